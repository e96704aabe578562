import { toHex } from '@keephold/bytes';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../system-random.ts';
import { SealedTotp } from './sealed-totp.ts';
import { totpKeyText, totpStep, totpUri } from './totp.ts';

/** RFC 6238, appendix B: this secret, and the last six digits of each code. */
const secret = new TextEncoder().encode('12345678901234567890');
const known: readonly (readonly [seconds: number, code: string])[] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];

describe('codes by time', () => {
  it('are those of RFC 6238, taken one step early or late and no further', () => {
    for (const [seconds, code] of known) {
      const step = Math.floor(seconds / 30);
      const at = (off: number): number | undefined => totpStep({ secret, code, now: (step + off) * 30_000 });
      expect([-2, -1, 0, 1, 2].map(at)).toEqual([undefined, step, step, step, undefined]);
    }
  });

  it('are six digits and nothing else', () => {
    for (const code of ['', '28708', '2870820', ' 287082', '28708２', '-87082']) {
      expect(totpStep({ secret, code, now: 59_000 })).toBeUndefined();
    }
  });

  it('come from a secret that apps take by QR code or by hand', () => {
    expect(totpKeyText(secret)).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
    const uri = new URL(totpUri(secret, { issuer: 'backup.example.org:8443', account: 'ann&bob@example.org' }));
    expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp']);
    expect(decodeURIComponent(uri.pathname)).toContain('ann&bob@example.org');
    expect(Object.fromEntries(uri.searchParams)).toMatchObject({
      issuer: 'backup.example.org:8443',
      secret: totpKeyText(secret),
      digits: '6',
      period: '30',
      algorithm: 'SHA1',
    });
  });
});

describe('a sealed secret', () => {
  const accountId = new Uint8Array(16).fill(1);
  const random = (length: number): Uint8Array => (length === secret.length ? secret.slice() : systemRandom(length));
  const factors = new SealedTotp(new Uint8Array(32).fill(2), random);

  it('checks codes for its account and under its key only', async () => {
    const { secret: made, sealed } = await factors.create(accountId);
    expect(made).toEqual(new Uint8Array(secret));
    expect(toHex(sealed)).not.toContain(toHex(made));
    const [code, now] = ['279037', 2_000_000_000_000];
    expect(await factors.stepOf({ accountId, sealed, code, now })).toBe(Math.floor(now / 30_000));
    expect(await factors.stepOf({ accountId, sealed, code: '279038', now })).toBeUndefined();
    const other = new Uint8Array(16).fill(9);
    await expect(factors.stepOf({ accountId: other, sealed, code, now })).rejects.toThrow('another context');
    const elsewhere = new SealedTotp(new Uint8Array(32).fill(3), systemRandom);
    await expect(elsewhere.stepOf({ accountId, sealed, code, now })).rejects.toThrow('wrong key');
  });
});
