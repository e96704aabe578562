/** Where rules come from: options of the command, and files in gitignore syntax. */
import { readFileSync } from 'node:fs';
import { ExcludeError } from '../errors.ts';
import { type IgnoreRule, parseIgnoreRule } from './ignore-rule.ts';

/** Rules given one by one, as '--exclude' does. UTF-8 text. */
export function rulesFromOptions(patterns: readonly string[], origin: string): IgnoreRule[] {
  return patterns.flatMap((pattern) => {
    const rule = parseIgnoreRule(Buffer.from(pattern, 'utf8').toString('latin1'), origin);
    return rule === undefined ? [] : [rule];
  });
}

/** @throws ExcludeError 'exclude-file-unreadable' */
export function rulesFromFile(path: string): IgnoreRule[] {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ExcludeError('exclude-file-unreadable', `read exclude rules: ${code}: '${path}'`, { cause });
  }
  const text = content.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  return text.split('\n').flatMap((line, index) => {
    const rule = parseIgnoreRule(line.replace(/\r$/, ''), `${path}:${index + 1}`);
    return rule === undefined ? [] : [rule];
  });
}
