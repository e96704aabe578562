/** What only Node can show: HMAC against its own, RFC 9106, and what loading the package loads with it. */

import { execFile } from 'node:child_process';
import { argon2Sync, createHmac } from 'node:crypto';
import { promisify } from 'node:util';
import { concatBytes, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmacSha256 } from '../index.ts';

describe('hmacSha256', () => {
  it('is that of node:crypto, for long messages too', () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    fc.assert(
      fc.property(bytes, fc.array(bytes), fc.boolean(), (key, parts, long) => {
        const all = long ? [...parts, new Uint8Array(40_000).fill(parts.length)] : parts;
        const expected = createHmac('sha256', key)
          .update(concatBytes(...all))
          .digest('hex');
        expect(toHex(hmacSha256(key, ...all))).toBe(expected);
      }),
    );
  });
});

describe('argon2 of this Node', () => {
  it('is that of RFC 9106 §5.3', () => {
    const tag = argon2Sync('argon2id', {
      message: new Uint8Array(32).fill(1),
      nonce: new Uint8Array(16).fill(2),
      secret: new Uint8Array(8).fill(3),
      associatedData: new Uint8Array(12).fill(4),
      memory: 32,
      passes: 3,
      parallelism: 4,
      tagLength: 32,
    });
    expect(tag.toString('hex')).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');
  });
});

describe('loading the package', () => {
  // Start-up time of every command depends on it.
  it('loads no library until one is used', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ resolve(specifier, context, next) {
        const found = next(specifier, context);
        if (found.url.includes('/node_modules/')) loaded.push(found.url);
        return found;
      } });
      const { generateXWing } = await import('@keephold/crypto');
      const { verifyStrict } = await import('@keephold/crypto/verify');
      verifyStrict({ publicKey: new Uint8Array(32), message: new Uint8Array(1), signature: new Uint8Array(64) });
      const before = loaded.length;
      await generateXWing((n) => new Uint8Array(n));
      console.log(JSON.stringify({ before, used: loaded.length > before }));
    `;
    const args = ['--conditions=@keephold/source', '--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    expect(JSON.parse(stdout)).toEqual({ before: 0, used: true });
  });
});
