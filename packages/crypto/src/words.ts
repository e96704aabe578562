/** Recovery words: 32 bytes of entropy as 24 English BIP39 words (security.md §3.9). The list is loaded on first use. */

import { InvalidWordsError } from './errors.ts';
import { KEY_LENGTH, requireLength } from './keys.ts';

const WORD_COUNT = 24;

/** The 24 words of 32 bytes. */
export async function entropyToWords(entropy: Uint8Array): Promise<readonly string[]> {
  requireLength('recovery entropy', entropy, KEY_LENGTH);
  const { bip39, list } = await load();
  return bip39.entropyToMnemonic(entropy, list).split(' ');
}

/**
 * The 32 bytes of 24 words; case and spacing do not matter.
 * @throws InvalidWordsError naming the first word not in the list, else that the checksum is wrong.
 */
export async function wordsToEntropy(words: string | readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const spelled = normalWords(words);
  if (spelled.length !== WORD_COUNT) {
    throw new InvalidWordsError('words-count', `read words: ${spelled.length} words, must be ${WORD_COUNT}`);
  }
  const { bip39, list } = await load();
  const known = new Set(list);
  const unknown = spelled.findIndex((word) => !known.has(word));
  if (unknown >= 0) {
    throw new InvalidWordsError('words-unknown', `read words: word ${unknown + 1} is not in the list`, unknown + 1);
  }
  try {
    return new Uint8Array(bip39.mnemonicToEntropy(spelled.join(' '), list));
  } catch {
    // All words exist, so only the checksum is left; the library's message is not passed on, it could name words.
    throw new InvalidWordsError('words-checksum', 'read words: the checksum is wrong, so a word or the order is');
  }
}

function normalWords(words: string | readonly string[]): string[] {
  const text = typeof words === 'string' ? words : words.join(' ');
  return text
    .normalize('NFKD')
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '');
}

async function load(): Promise<{ bip39: typeof import('@scure/bip39'); list: string[] }> {
  const [bip39, { wordlist }] = await Promise.all([
    import('@scure/bip39'),
    import('@scure/bip39/wordlists/english.js'),
  ]);
  return { bip39, list: wordlist };
}
