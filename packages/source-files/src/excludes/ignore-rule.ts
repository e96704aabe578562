/** One line of gitignore syntax, parsed. Text is latin1: one character for each byte of a name. */
import { globToRegExp } from './glob-to-regexp.ts';

export interface IgnoreRule {
  /** The line as it was written (UTF-8 text). */
  readonly pattern: string;
  /** '--exclude', or file and line: '/home/me/.backupignore:3'. */
  readonly origin: string;
  /** A '!' rule: takes back what an earlier one matched. */
  readonly negated: boolean;
  readonly directoryOnly: boolean;
  readonly match: RuleMatch;
}

/** What a rule is compared with, in the order of cost. */
export type RuleMatch =
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'suffix'; readonly text: string }
  | { readonly kind: 'path'; readonly text: string }
  | { readonly kind: 'name-glob'; readonly regExp: RegExp }
  | { readonly kind: 'path-glob'; readonly regExp: RegExp };

const WILDCARDS = /[*?[\\]/;

/** Undefined for an empty line, a comment, or a pattern that can match nothing. */
export function parseIgnoreRule(line: string, origin: string): IgnoreRule | undefined {
  let text = trimEnd(line);
  if (text === '' || text.startsWith('#')) return undefined;
  const pattern = Buffer.from(text, 'latin1').toString('utf8');
  const negated = text.startsWith('!');
  if (negated) text = text.slice(1);
  const directoryOnly = text.endsWith('/');
  if (directoryOnly) text = text.slice(0, -1);
  const match = matchOf(text);
  return match === undefined ? undefined : { pattern, origin, negated, directoryOnly, match };
}

/** A slash anywhere but at the end ties the pattern to the top; without one it is a name anywhere. */
function matchOf(text: string): RuleMatch | undefined {
  const anchored = text.includes('/');
  const rest = text.startsWith('/') ? text.slice(1) : text;
  if (rest === '') return undefined;
  if (!WILDCARDS.test(rest)) return { kind: anchored ? 'path' : 'name', text: rest };
  if (!anchored && rest.startsWith('*') && !WILDCARDS.test(rest.slice(1)))
    return { kind: 'suffix', text: rest.slice(1) };
  // '**/name' is the same as 'name'.
  const anywhere = /^\*\*\/([^/*?[\\]+)$/.exec(rest);
  if (anywhere?.[1] !== undefined) return { kind: 'name', text: anywhere[1] };
  const regExp = globToRegExp(rest);
  if (regExp === undefined) return undefined;
  return { kind: anchored ? 'path-glob' : 'name-glob', regExp };
}

/** Spaces at the end do not count, unless a backslash keeps them. */
function trimEnd(line: string): string {
  let end = line.length;
  while (end > 0 && line.charAt(end - 1) === ' ') {
    let backslashes = 0;
    while (line.charAt(end - 2 - backslashes) === '\\') backslashes++;
    if (backslashes % 2 === 1) break;
    end--;
  }
  return line.slice(0, end);
}
