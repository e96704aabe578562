import { expect, it } from 'vitest';
import { formatWords } from './recovery-words.ts';
import { wordsInText } from './words-text.ts';

const words = Array.from({ length: 24 }, (_, at) => `word${String.fromCodePoint(97 + at)}`);
const line = words.join(' ');

it('finds the words in the file that init writes', () => {
  expect(wordsInText(`These 24 words open the backup.\nThey are not shown again.\n\n${formatWords(words)}\n`)).toBe(
    line,
  );
});

it('finds them on one line, on several, and each with its number', () => {
  for (const text of [line, `${line}\n`, words.join('\n'), words.map((word, at) => `${at + 1} ${word}`).join('\n')])
    expect(wordsInText(text)).toBe(line);
});

it('takes nothing else for words', () => {
  const less = words.slice(1);
  for (const text of [
    '',
    'bench horse battery staple',
    less.join(' '),
    formatWords(less),
    `${formatWords(words)}\n24. again`,
  ])
    expect(wordsInText(text)).toBeUndefined();
});
