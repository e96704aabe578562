/**
 * Turns one pattern of gitignore(5) into a regular expression. Pattern and path are latin1 text: each character is one
 * byte of the name, so names of any encoding match as they do in git, byte by byte.
 */

/** Undefined for a pattern that can match nothing (a bracket or a backslash left open), as in git. */
export function globToRegExp(pattern: string): RegExp | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; ) {
    const piece = pieceAt(pattern, at);
    if (piece === undefined) return undefined;
    source += piece.source;
    at = piece.end;
  }
  return new RegExp(`^${source}$`, 's');
}

interface Piece {
  readonly source: string;
  readonly end: number;
}

function pieceAt(pattern: string, at: number): Piece | undefined {
  const char = pattern.charAt(at);
  if (char === '*') return stars(pattern, at);
  if (char === '?') return { source: '[^/]', end: at + 1 };
  if (char === '[') return bracket(pattern, at);
  if (char !== '\\') return { source: literal(char), end: at + 1 };
  return at + 1 < pattern.length ? { source: literal(pattern.charAt(at + 1)), end: at + 2 } : undefined;
}

/** '**' crosses directories only where it stands for whole names: at the start or after '/', and before '/' or the end. */
function stars(pattern: string, at: number): Piece {
  let end = at;
  while (pattern.charAt(end) === '*') end++;
  const opens = at === 0 || pattern.charAt(at - 1) === '/';
  const escaped = pattern.charAt(end) === '\\' && pattern.charAt(end + 1) === '/';
  const closes = end === pattern.length || pattern.charAt(end) === '/' || escaped;
  if (end - at < 2 || !opens || !closes) return { source: '[^/]*', end };
  if (end === pattern.length) return { source: '.*', end };
  // The slash after '**' goes with it, so that 'a/**/b' matches 'a/b' too.
  return escaped ? { source: '.*', end } : { source: '(?:.*/)?', end: end + 1 };
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '!-\\/:-@\\[-`{-~',
  space: ' \\t\\n\\v\\f\\r',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** '[a-z]', '[!a]', '[^a]', '[[:digit:]]'; a first ']' is one of the characters; '/' never matches. */
function bracket(pattern: string, start: number): Piece | undefined {
  let at = start + 1;
  const negated = pattern.charAt(at) === '!' || pattern.charAt(at) === '^';
  if (negated) at++;
  let body = '';
  for (let first = true; first || pattern.charAt(at) !== ']'; first = false) {
    const item = pattern.startsWith('[:', at) ? namedClass(pattern, at) : range(pattern, at);
    if (item === undefined) return undefined;
    body += item.source;
    at = item.end;
  }
  const source = negated ? `[^/${body}]` : `(?!/)[${body}]`;
  return { source: body === '' && !negated ? '(?!)' : source, end: at + 1 };
}

function namedClass(pattern: string, at: number): Piece | undefined {
  const end = pattern.indexOf(']', at + 2);
  if (end === -1) return undefined;
  // '[:' without ':]' is an ordinary '['.
  if (pattern.charAt(end - 1) !== ':' || end - 1 < at + 2) return { source: '\\[', end: at + 1 };
  const found = CLASSES[pattern.slice(at + 2, end - 1)];
  return found === undefined ? undefined : { source: found, end: end + 1 };
}

function range(pattern: string, at: number): Piece | undefined {
  const from = bracketChar(pattern, at);
  if (from === undefined) return undefined;
  const isRange = pattern.charAt(from.end) === '-' && ![']', ''].includes(pattern.charAt(from.end + 1));
  if (!isRange) return { source: escapeInBracket(from.char), end: from.end };
  const to = bracketChar(pattern, from.end + 1);
  if (to === undefined) return undefined;
  // A range that runs backwards holds nothing but, as in git, the character it starts with.
  if (to.char < from.char) return { source: escapeInBracket(from.char), end: to.end };
  return { source: `${escapeInBracket(from.char)}-${escapeInBracket(to.char)}`, end: to.end };
}

function bracketChar(pattern: string, at: number): { readonly char: string; readonly end: number } | undefined {
  const escaped = pattern.charAt(at) === '\\';
  const char = pattern.charAt(escaped ? at + 1 : at);
  return char === '' ? undefined : { char, end: at + (escaped ? 2 : 1) };
}

function literal(char: string): string {
  return /[.*+?^${}()|[\]\\/]/.test(char) ? `\\${char}` : char;
}

function escapeInBracket(char: string): string {
  return /[\]\\^[-]/.test(char) ? `\\${char}` : char;
}
