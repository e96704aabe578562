import { compareBytes, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PackEntry } from '../pack-state.ts';
import { PackShard } from './pack-shard.ts';
import { SqlError } from './sql.ts';

// Few different ids, so that the same one is set again and removed.
const id = fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }).map((end) => {
  const bytes = new Uint8Array(32).fill(9);
  bytes.set(end, 29);
  return bytes;
});
const entry: fc.Arbitrary<PackEntry> = fc.record({
  state: fc.constantFrom(
    'pending' as const,
    'live' as const,
    'condemned' as const,
    'purging' as const,
    'lost' as const,
  ),
  kind: fc.nat({ max: 2 }),
  pages: fc.nat({ max: 256 }),
  since: fc.nat({ max: 2 ** 31 }).map((low) => low * 1000),
});

describe('PackShard', () => {
  it('does what a map does, in order, also after being stored', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(id, fc.option(entry))), (steps) => {
        const model = new Map<string, { id: Uint8Array; entry: PackEntry }>();
        let shard = new PackShard(undefined);
        for (const [index, [key, value]] of steps.entries()) {
          if (value === null) {
            shard.remove(key);
            model.delete(toHex(key));
          } else {
            shard.set(key, value);
            model.set(toHex(key), { id: key, entry: value });
          }
          if (index % 3 === 0) shard = new PackShard(shard.stored().slice());
        }
        const sorted = [...model.values()].sort((a, b) => compareBytes(a.id, b.id));
        expect([...shard.entries()].map(([key, value]) => [toHex(key), value])).toEqual(
          sorted.map((one) => [toHex(one.id), one.entry]),
        );
        for (const one of sorted) expect(shard.get(one.id)).toEqual(one.entry);
        const target = new Uint8Array(32 * shard.count);
        const end = shard.copyIds((state) => state === 'live', target, 0);
        expect(end / 32).toBe(sorted.filter((one) => one.entry.state === 'live').length);
      }),
    );
  });

  it('calls what it cannot read damaged', () => {
    expect(() => new PackShard(new Uint8Array(43))).toThrow(SqlError);
    const shard = new PackShard(new Uint8Array(44).fill(200));
    expect(() => [...shard.entries()]).toThrow(SqlError);
  });
});
