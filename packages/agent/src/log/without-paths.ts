/** What may stand in a log: a sentence without the paths in it, which are nobody's business but the user's. */

/**
 * Absolute paths of any system, to the end of the quotes they stand in, and else to the end of the word: the words after
 * a blank in a path without quotes stay. `~` and relative paths are not in what programs say.
 */
const PATHS =
  /(?<open>['"])(?:\/|[A-Za-z]:\\|\\\\)(?:(?!\k<open>).)*\k<open>|(?<![\w/:])(?:\/|[A-Za-z]:\\|\\\\)[^\s'";]+/g;

export function withoutPaths(text: string): string {
  return text.replace(PATHS, '…');
}
