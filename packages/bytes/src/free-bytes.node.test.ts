// In Node alone: pages share memory with no one unless they are isolated.
import { expect, test } from 'vitest';
import { freeBytes } from './free-bytes.ts';

test('leaves shared memory alone', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(16)).fill(7);
  freeBytes(shared);
  expect([...shared]).toEqual(new Array(16).fill(7));
});
