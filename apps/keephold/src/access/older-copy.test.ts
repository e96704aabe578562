import { sha256 } from '@keephold/crypto';
import type { CommitLogState } from '@keephold/engine';
import { type Custody, ForkError, type KeychainState, keychainHashInput } from '@keephold/protocol';
import { expect, it } from 'vitest';
import { requireSeenEntries, tellOlderCopy, withSeenKeychain } from './older-copy.ts';

const hash = (value: number): Uint8Array => new Uint8Array(32).fill(value);
const entry = (value: number): Uint8Array => new Uint8Array(70).fill(value);
const seen = {
  seq: 3,
  hashes: new Uint8Array([0, 1, 2, 3].flatMap((value) => [...hash(value)])),
  snapshots: [1, 3].map((seq) => ({ seq })),
} as unknown as CommitLogState;

function warnings(copy: Omit<Parameters<typeof tellOlderCopy>[1], 'pin'>): readonly string[] {
  const told: string[] = [];
  tellOlderCopy({ out: { warn: (text: string) => told.push(text) } } as never, {
    pin: { seq: 3, hash: hash(3) },
    ...copy,
  });
  return told;
}

it('says what is missing, and whether it is the same history', () => {
  expect(warnings({ head: { seq: 2, hash: hash(2) }, seen })).toEqual([
    'this copy ends at commit 2, and this device has seen 3: 1 newer snapshot missing in it',
  ]);
  expect(warnings({ head: { seq: 1, hash: hash(1) }, seen: undefined })).toEqual([
    expect.stringContaining('2 later changes missing'),
    expect.stringContaining('cannot be told'),
  ]);
});

it('refuses an end that is another commit than the one seen there', () => {
  expect(() => warnings({ head: { seq: 2, hash: hash(9) }, seen })).toThrow(ForkError);
});

it('goes on with the newer keychain, unless the copy has another one', async () => {
  const kept = (entries: readonly Uint8Array[]): Custody =>
    withSeenKeychain({ keychain: async () => entries } as unknown as Custody, [entry(0), entry(1), entry(2)]);
  expect(await kept([entry(0)]).keychain(1)).toEqual([entry(1), entry(2)]);
  expect(await kept([entry(0), entry(9)]).keychain(0)).toEqual([entry(0), entry(9)]);
  expect(await kept([0, 1, 2, 3].map(entry)).keychain(3)).toEqual([entry(3)]);
});

it('refuses a keychain with another entry than was seen', () => {
  const of = (...values: number[]): KeychainState =>
    ({ entryHashes: values.map((value) => sha256(...keychainHashInput(entry(value)))) }) as unknown as KeychainState;
  expect(() => requireSeenEntries(of(0), [entry(0), entry(1)])).not.toThrow();
  expect(() => requireSeenEntries(of(0, 1, 2), [entry(0), entry(1)])).not.toThrow();
  expect(() => requireSeenEntries(of(0, 9), [entry(0), entry(1)])).toThrow(ForkError);
});
