/** Showing the 24 recovery words, once: on the terminal, or where nobody watches in a file only the user can read. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { createPrivateFile, writePrivateFile } from './private-file.ts';

export interface WordsPlace {
  /** The file they were written to; undefined when they were shown on the terminal. */
  readonly file: string | undefined;
}

const advice =
  'These 24 words open the backup when the password is forgotten. Write them on paper and keep\nthem where only you find them. They are not shown again.';

export interface NewWords {
  readonly words: readonly string[];
  /** The device's state folder. */
  readonly folder: string;
  /** Tells a second set of words from the first, in the file's name. */
  readonly id: string;
}

export async function handOverWords(
  { terminal, out }: Pick<Context, 'terminal' | 'out'>,
  { words, folder, id }: NewWords,
): Promise<WordsPlace> {
  if (!terminal.canAsk || out.json) {
    const content = new TextEncoder().encode(`${advice}\n\n${formatWords(words)}\n`);
    const first = join(folder, 'recovery-words.txt');
    // Words that are there already may be the only copy.
    if (createPrivateFile(first, content)) return { file: first };
    const other = join(folder, `recovery-words-${id}.txt`);
    writePrivateFile(other, content);
    return { file: other };
  }
  out.error(`\n${advice}\n\n${formatWords(words)}\n`);
  await terminal.ask('Press return when you have written them down. ');
  return { file: undefined };
}

/** Four columns, numbered, read down. */
export function formatWords(words: readonly string[]): string {
  const rows = Math.ceil(words.length / 4);
  const lines = Array.from({ length: rows }, (_, row) => {
    const cells = [0, 1, 2, 3].map((column) => column * rows + row).filter((at) => at < words.length);
    return cells
      .map((at) => `${String(at + 1).padStart(4)}. ${(words[at] ?? '').padEnd(10)}`)
      .join('')
      .trimEnd();
  });
  return lines.join('\n');
}
