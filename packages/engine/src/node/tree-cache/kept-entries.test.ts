import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeTrees, nodeSequence } from '../../node-encoding.ts';
import { DirectoryJob } from '../backup/directory-job.ts';
import { RECORD_PLACE } from '../backup/file-results.ts';
import { KeptEntries, NOT_KEPT } from './kept-entries.ts';
import { resolvePlaces } from './resolve-places.ts';
import { directoryOf } from './standing-records.ts';
import { type EntryToCache, encodeDirectory } from './tree-cache-writer.ts';

const entry = fc.record({
  name: fc.string({ unit: fc.constantFrom('a', 'b', '\xff'), minLength: 1, maxLength: 6 }),
  node: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  places: fc.array(fc.nat(5), { maxLength: 3 }),
  stat: fc.nat(1000),
  /** What became of it since the old record was made. */
  fate: fc.constantFrom('kept', 'kept', 'kept', 'changed', 'new', 'gone'),
});
type Entry = typeof entry extends fc.Arbitrary<infer E> ? E : never;
const entries = fc
  .uniqueArray(entry, { maxLength: 40, selector: ({ name }) => name })
  .map((all) => all.sort((a, b) => (a.name < b.name ? -1 : 1)));

const PATH = new Uint8Array([0x2f, 0x78]);
const SUBTREE = { id: new Uint8Array(32).fill(7), kind: 2, bytes: 10 };

function toCache({ name, node, places, stat }: Entry): EntryToCache {
  return { name, node, places, stats: new Uint32Array(26).fill(stat), row: 0, volatile: stat === 0 };
}

function recordOf(of: Parameters<typeof encodeDirectory>[0]['entries']): Uint8Array {
  const record = encodeDirectory({ path: PATH, subtree: SUBTREE, places: [1, RECORD_PLACE + 3], entries: of });
  return resolvePlaces(record, (number) => number + 100);
}

/** An entry that is not as it was: its content is new, and lies in packs that have no number yet. */
const renewed = (one: Entry): Entry => ({
  ...one,
  node: new Uint8Array([...one.node, 1]),
  places: [...one.places.slice(1), RECORD_PLACE + one.stat],
});

/** The directory as it is now: what is kept out of its old record, and all of it as entries. */
function keptAndNow(all: readonly Entry[]): { readonly kept: KeptEntries; readonly now: readonly Entry[] } {
  const old = all.filter(({ fate }) => fate !== 'new');
  const listed = all.filter(({ fate }) => fate !== 'gone');
  const directory = directoryOf(recordOf(old.map(toCache)));
  const found = directory.entries();
  const at = listed.map(({ name, fate }) => (fate === 'kept' && found.seekName(name) ? found.at : NOT_KEPT));
  return {
    kept: new KeptEntries(directory, new Uint32Array(at)),
    // A record that is resolved has each pack of an entry once.
    now: listed.map((one) => (one.fate === 'kept' ? { ...one, places: [...new Set(one.places)] } : renewed(one))),
  };
}

it('makes the record that entries one by one make', () => {
  fc.assert(
    fc.property(entries, (all) => {
      const { kept, now } = keptAndNow(all);
      const mixed: Parameters<typeof recordOf>[0][number][] = [];
      for (let i = 0; i < now.length; ) {
        const next = kept.has(i) ? kept.stretchFrom(i) : toCache(now[i]!);
        mixed.push(next);
        i += 'words' in next ? next.count : 1;
      }
      expect(recordOf(mixed)).toEqual(recordOf(now.map(toCache)));
    }),
  );
});

it('joins neighbours in the old record into one stretch, and none across what is gone', () => {
  const one = (name: string, fate: Entry['fate']): Entry => ({ name, node: PATH, places: [2], stat: 1, fate });
  const { kept } = keptAndNow([
    one('a', 'kept'),
    one('b', 'kept'),
    one('c', 'gone'),
    one('d', 'kept'),
    one('e', 'new'),
  ]);
  expect([kept.stretchFrom(0).count, kept.stretchFrom(1).count, kept.stretchFrom(2).count]).toEqual([2, 1, 1]);
  expect([kept.has(2), kept.has(3), kept.lengthOf(3)]).toEqual([true, false, 0]);
});

it('makes the tree that nodes one by one make, and gives each of them', () => {
  fc.assert(
    fc.property(entries, (all) => {
      const { kept, now } = keptAndNow(all);
      const names = now.map(({ name }) => name);
      const listing = { count: now.length, names, rows: [], stats: new Uint32Array(0), failures: [] };
      const job = new DirectoryJob(PATH, listing, 0);
      job.kept = kept;
      for (const [i, { node, places }] of now.entries()) {
        if (kept.has(i)) expect([kept.node(i), [...kept.places(i)]]).toEqual([node, places]);
        // Every fifth was gone when it was to be read.
        else if (i % 5 !== 4) job.nodes[i] = node;
      }
      const there = now.filter((_, i) => kept.has(i) || i % 5 !== 4).map(({ node }) => node);
      expect(encodeTrees(job.allNodes)).toEqual(encodeTrees(nodeSequence(there)));
    }),
  );
});
