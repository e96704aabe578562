/**
 * Which passwords are refused when one is chosen (security.md §3.6): short ones and those a guesser tries first. The
 * folder can be copied and guessed at without limit, so this is the only place where a weak one can be stopped.
 */

const minimumLength = 12;
const minimumDistinct = 6;

/** What is wrong with the password; undefined when nothing is. */
export function weaknessOf(password: string): string | undefined {
  const characters = [...password.normalize('NFKC')];
  if (characters.length < minimumLength)
    return `it has ${characters.length} characters, at least ${minimumLength} are needed`;
  if (new Set(characters).size < minimumDistinct) return 'it repeats the same few characters';
  if (isSequence(characters)) return 'it is a sequence';
  const known = startsOf(characters.join('').toLowerCase());
  return known === undefined ? undefined : `"${known}" is among the first that are tried`;
}

/** Most characters follow their neighbour by the same step: abcdefghijkl, 987654321098. */
function isSequence(characters: readonly string[]): boolean {
  const codes = characters.map((character) => character.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, at) => code - (codes[at] ?? 0));
  return [1, -1].some((step) => steps.filter((found) => found === step).length >= steps.length * 0.7);
}

const triedFirst = ['password', 'passwort', 'qwertyuiop', 'qwertzuiop', 'letmein', 'iloveyou', 'keephold', 'backup'];

/** A known word with little else around it: "password1234". */
function startsOf(password: string): string | undefined {
  return triedFirst.find((word) => {
    const rest = password.replaceAll(word, '').replace(/[^\p{L}]/gu, '');
    return password.includes(word) && rest.length < 4;
  });
}
