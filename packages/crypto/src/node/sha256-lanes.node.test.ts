import { createHash, randomBytes } from 'node:crypto';
import { type NativeLibrary, nativeLibrary } from '@keephold/ffi';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, createSha256Lanes } from './sha256-lanes.ts';

const library = nativeLibrary();
const lanes = library && createSha256Lanes(library);
const open = (): NativeLibrary => library!;

describe('two lanes of SHA-256', () => {
  it.skipIf(lanes === undefined)('count the length of each message beyond 2³² bits', () => {
    // 2³² bits are 512 MiB: the same MiB over and over.
    const block = randomBytes(1 << 20);
    const memory = new Uint8Array(new SharedArrayBuffer(block.length));
    memory.set(block);
    const inputs = [0, 1].map(() => {
      const context = new Uint32Array(32);
      open().func('int SHA256_Init(void*)')!(context);
      return { context, address: open().addressOf(memory) };
    });
    const expected = createHash('sha256');
    for (let i = 0; i < 513; i++) {
      lanes!.update(inputs[0]!, inputs[1]!, block.length / BLOCK_BYTES);
      expected.update(block);
    }
    const digest = expected.digest();
    for (const { context } of inputs) {
      const found = new Uint8Array(32);
      open().func('int SHA256_Final(void*, void*)')!(found, context);
      expect(Buffer.from(found).equals(digest)).toBe(true);
    }
  });

  it.skipIf(library === undefined)('are not used where the routine gives something else', () => {
    const wrong: NativeLibrary = {
      ...open(),
      func: (prototype) => (prototype.includes('multi_block') ? () => 0 : open().func(prototype)),
    };
    expect(createSha256Lanes(wrong)).toBeUndefined();
  });
});
