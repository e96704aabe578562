/**
 * What `find` looks for: with * ? or [ a glob that the whole name matches, else text anywhere in the name, letters of
 * either case. A pattern with a slash is about the whole path: * stays within a folder, ** does not.
 */
import { rawTextFromBytes } from '../command-line/raw-text.ts';
import { UsageError } from '../errors.ts';

export interface NamePattern {
  matches(name: Uint8Array, path: () => Uint8Array): boolean;
}

export function namePattern(pattern: string): NamePattern {
  if (pattern === '') throw new UsageError('find needs something to look for');
  const isGlob = /[*?]|\[.+\]/s.test(pattern);
  const expression = new RegExp(isGlob ? `^${globSource(pattern)}$` : escaped(pattern), 'isu');
  const test = (bytes: Uint8Array): boolean => expression.test(rawTextFromBytes(bytes));
  if (!pattern.includes('/')) return { matches: (name) => test(name) };
  return { matches: (_name, path) => test(path()) };
}

function globSource(pattern: string): string {
  const tokens = /\*\*\/|\*\*|\*|\?|\[(?:[!^]?\]?[^\]]*)\]|[^]/gu;
  return (pattern.match(tokens) ?? []).map(tokenSource).join('');
}

function tokenSource(token: string): string {
  if (token === '**/') return '(?:.*/)?';
  if (token === '**') return '.*';
  if (token === '*') return '[^/]*';
  if (token === '?') return '[^/]';
  if (token.length > 1 && token.startsWith('[')) return classSource(token.slice(1, -1));
  return escaped(token);
}

/** [abc], [a-z], [!abc]; a class that cannot be is plain text. */
function classSource(inner: string): string {
  const negated = /^[!^]/.test(inner);
  const members = (negated ? inner.slice(1) : inner).replace(/[\\[\]^&|~{}()]/g, '\\$&');
  const source = `[${negated ? '^' : ''}${members}]`;
  try {
    new RegExp(source, 'u');
    return negated ? `(?!/)${source}` : source;
  } catch {
    return escaped(`[${inner}]`);
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
}
