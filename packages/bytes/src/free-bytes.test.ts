import { expect, test } from 'vitest';
import { freeBytes } from './free-bytes.ts';

test('makes an array empty, and every other view of its buffer', () => {
  const bytes = new Uint8Array(1024).fill(1);
  const view = bytes.subarray(10);
  freeBytes(bytes);
  expect(bytes.length).toBe(0);
  expect(view.length).toBe(0);
  freeBytes(bytes);
});

test('leaves alone what is a part of a larger buffer', () => {
  const whole = new Uint8Array(1024).fill(7);
  freeBytes(whole.subarray(1));
  freeBytes(whole.subarray(0, 1023));
  expect(whole).toEqual(new Uint8Array(1024).fill(7));
});
