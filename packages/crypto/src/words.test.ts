/** Recovery words: the published vectors of BIP39, round trips, and words that must be refused. */

import { fromHex, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entropyToWords, InvalidKeyError, InvalidWordsError, wordsToEntropy } from './index.ts';

const KNOWN = [
  ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
  [
    '7f'.repeat(32),
    'legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title',
  ],
  ['ff'.repeat(32), `${'zoo '.repeat(23)}vote`],
  [
    '9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863',
    'panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick inner drive ghost inside',
  ],
] as const;

describe('recovery words', () => {
  it.each(KNOWN)('BIP39 entropy %s', async (entropy, words) => {
    expect((await entropyToWords(fromHex(entropy))).join(' ')).toBe(words);
    expect(toHex(await wordsToEntropy(words))).toBe(entropy);
  });

  it('return what was written down, whatever the case and spacing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (entropy) => {
        const words = await entropyToWords(entropy);
        expect(words.length).toBe(24);
        expect(await wordsToEntropy(words)).toEqual(entropy);
        expect(await wordsToEntropy(`  ${words.join(' \n').toUpperCase()}\t`)).toEqual(entropy);
      }),
      { numRuns: 30 },
    );
  });

  it('say which word is unknown, and never the word', async () => {
    const words = KNOWN[0][1].split(' ').with(4, 'abandonn');
    const error = await wordsToEntropy(words).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(InvalidWordsError);
    expect(error).toMatchObject({ code: 'words-unknown', position: 5 });
    expect(String(error)).not.toContain('abandon');
  });

  it('refuse a wrong checksum or order', async () => {
    const swapped = KNOWN[3][1].split(' ');
    [swapped[0], swapped[1]] = [swapped[1] as string, swapped[0] as string];
    for (const words of ['abandon '.repeat(24), swapped.join(' ')]) {
      await expect(wordsToEntropy(words)).rejects.toMatchObject({ code: 'words-checksum' });
    }
  });

  it('refuse another number of words, and other entropy', async () => {
    for (const count of [0, 12, 23, 25]) {
      await expect(wordsToEntropy(Array<string>(count).fill('abandon'))).rejects.toMatchObject({ code: 'words-count' });
    }
    await expect(entropyToWords(new Uint8Array(16))).rejects.toThrow(InvalidKeyError);
  });
});
