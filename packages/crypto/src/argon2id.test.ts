/** Argon2id: the platform's code against another implementation, and costs that must be refused. */

import { toHex } from '@keephold/bytes';
import { argon2id as noble } from '@noble/hashes/argon2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeArgon2id } from '#primitives/argon2';
import { argon2id, DEFAULT_ARGON2_COST, DowngradeError, InvalidKeyError, passwordBytes } from './index.ts';

describe('argon2id', () => {
  it('agrees with another implementation', async () => {
    const input = fc.record({
      password: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      salt: fc.uint8Array({ minLength: 16, maxLength: 32 }),
      passes: fc.integer({ min: 1, max: 4 }),
      lanes: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ password, salt, passes, lanes }) => {
        const expected = noble(password, salt, { m: 64, t: passes, p: lanes, dkLen: 32 });
        const result = await computeArgon2id({ password, salt, cost: { memoryKiB: 64, passes, lanes } });
        expect(toHex(result)).toBe(toHex(expected));
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    { memoryKiB: 65_535 },
    { memoryKiB: 8 },
    { memoryKiB: 4_194_305 },
    { memoryKiB: 65_536.5 },
    { passes: 2 },
    { passes: 65 },
    { lanes: 0 },
    { lanes: 17 },
    { passes: Number.NaN },
  ])('refuses %o at once', async (change) => {
    const started = performance.now();
    const cost = { ...DEFAULT_ARGON2_COST, ...change };
    await expect(argon2id(passwordBytes('x'), new Uint8Array(32), cost)).rejects.toThrow(DowngradeError);
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('refuses a short salt', async () => {
    await expect(argon2id(passwordBytes('x'), new Uint8Array(15), DEFAULT_ARGON2_COST)).rejects.toThrow(
      InvalidKeyError,
    );
  });

  it('spells a password the same however it was typed', () => {
    expect(toHex(passwordBytes('e\u0301'))).toBe('c3a9');
    expect(toHex(passwordBytes('\uFB01'))).toBe(toHex(passwordBytes('fi')));
  });
});
