import { expect, it } from 'vitest';
import { PackBuffers } from './pack-buffers.ts';

/** Whether it is there without anybody giving anything back. */
async function isThere(taken: Promise<Uint8Array>): Promise<boolean> {
  return (await Promise.race([
    taken.then(() => true),
    new Promise((resolve) => setImmediate(resolve, false)),
  ])) as boolean;
}

it('leaves memory to others, however much one account asks for', async () => {
  const buffers = new PackBuffers(4);
  const own = [await buffers.take('a'), await buffers.take('a')];
  const third = buffers.take('a');
  expect(await isThere(third)).toBe(false);
  const others = [await buffers.take('b'), await buffers.take('c')];
  expect([buffers.inUse, buffers.waiting]).toEqual([4, 1]);
  const waiting = buffers.take('d');
  // What b gives back is for d: a has its share.
  buffers.give(others[0] as Uint8Array, 'b');
  expect([await isThere(waiting), await isThere(third)]).toEqual([true, false]);
  buffers.give(own[0] as Uint8Array, 'a');
  expect(await isThere(third)).toBe(true);
  expect([buffers.inUse, buffers.waiting]).toEqual([4, 0]);
});

it('gives an account that has it for itself all but two, one at least', async () => {
  for (const [count, share] of [
    [1, 1],
    [2, 1],
    [6, 4],
  ] as const) {
    const buffers = new PackBuffers(count);
    for (let taken = 0; taken < share; taken++) expect(await isThere(buffers.take('a'))).toBe(true);
    expect(await isThere(buffers.take('a'))).toBe(false);
  }
});

it('sends away whom too many of his own wait before, and lets others wait', async () => {
  const buffers = new PackBuffers(1);
  await buffers.take('a');
  for (let waiting = 0; waiting < 256; waiting++) void buffers.take('a');
  await expect(buffers.take('a')).rejects.toMatchObject({ code: 'busy' });
  expect(await isThere(buffers.take('b'))).toBe(false);
});
