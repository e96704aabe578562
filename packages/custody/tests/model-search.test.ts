/** Every history of a small vault, and the same with each rule broken in turn: a search that finds nothing must be able to. */
import { describe, expect, it } from 'vitest';
import { search } from './_model-search.ts';
import { keeperRules, type ModelSize, type Rules } from './_vault-model.ts';

const SIZES: readonly ModelSize[] = [
  { packs: 2, snapshots: 3, replays: false, rots: false, holds: false },
  { packs: 3, snapshots: 1, replays: false, rots: false, holds: false },
  { packs: 2, snapshots: 2, replays: true, rots: false, holds: false },
];

describe('every history of a small vault', () => {
  it.each(SIZES)('keeps the packs of kept snapshots: %o', (size) => {
    const { states, steps, depth, broken, complete } = search(keeperRules, size);
    console.log(`${JSON.stringify(size)}: ${states} states, ${steps} steps, at most ${depth} from the start`);
    expect(broken).toBeUndefined();
    expect(complete).toBe(true);
    expect(states).toBeGreaterThan(10_000);
  });
});

describe('every history of a small vault whose packs rot', () => {
  it.each<ModelSize>([
    { packs: 2, snapshots: 1, replays: false, rots: true, holds: false },
    { packs: 1, snapshots: 2, replays: true, rots: true, holds: false },
  ])('keeps and knows of what kept snapshots have lost: %o', (size) => {
    const { states, steps, broken, complete } = search(keeperRules, size);
    console.log(`${JSON.stringify(size)}: ${states} states, ${steps} steps`);
    expect(broken).toBeUndefined();
    expect(complete).toBe(true);
    expect(states).toBeGreaterThan(1_000);
  });
});

describe('every history of a small vault on which holds are set', () => {
  it.each<ModelSize>([
    { packs: 1, snapshots: 2, replays: false, rots: false, holds: true },
    { packs: 1, snapshots: 1, replays: true, rots: false, holds: true },
  ])('deletes nothing while one stands, and keeps what it kept: %o', (size) => {
    const { states, steps, broken, complete } = search(keeperRules, size);
    console.log(`${JSON.stringify(size)}: ${states} states, ${steps} steps`);
    expect(broken).toBeUndefined();
    expect(complete).toBe(true);
    expect(states).toBeGreaterThan(200);
  });
});

const { afterCollection, afterLook, afterPut, mustLookAgain, standing } = keeperRules;

const WITH_ENTRY = { kind: 1, pages: 1, since: 0 };

const MUTANTS: Readonly<Record<string, Partial<Rules>>> = {
  'a commit is taken without a look at its packs': { standing: () => 'there' },
  'a commit takes packs that are being purged': {
    standing: (entry) => (entry?.state === 'purging' ? 'there' : standing(entry)),
  },
  'a commit takes packs that were put some time ago': {
    standing: (entry) => (entry?.state === 'pending' ? 'there' : standing(entry)),
  },
  'a commit takes packs that the ledger does not know': {
    standing: (entry) => (entry === undefined ? 'there' : standing(entry)),
  },
  'an expired snapshot vouches for its packs': { packsToProve: (_, { added }) => added },
  'an expired snapshot can be taken back': { mayUntrash: (state) => state !== 'active' },
  'the trash holds no packs': { isKeptState: (state) => state === 'active' },
  'condemning does not ask who needs the pack': {
    afterCollection: (before, options) => afterCollection(before, { ...options, isNeeded: false }),
  },
  'purging does not wait': { afterCollection: (before, options) => afterCollection(before, { ...options, delay: 0 }) },
  'purging waits from the time of the put': {
    afterCollection: (before, options) => {
      const after = afterCollection(before, options);
      return after.state === 'condemned' && before.state === 'live' ? { ...after, since: -1e12 } : after;
    },
  },
  'a commit does not revive': { afterCommit: (before) => before ?? { ...WITH_ENTRY, state: 'live' } },
  'bytes go without a second look at the state': { mayDelete: () => true },
  'condemned bytes go': { mayDelete: (entry) => entry?.state === 'purging' || entry?.state === 'condemned' },
  'bytes that are found are taken for committed': {
    afterLook: (before, found) =>
      before === undefined && found !== undefined ? { ...WITH_ENTRY, state: 'live' } : afterLook(before, found),
    standing: (entry) => (entry?.state === 'purging' ? 'there' : standing(entry)),
  },
  'a pack is condemned when its lease is over without a look at its bytes': {
    mustLookAgain: (before, seen) => mustLookAgain(before, seen, -1e12),
  },
  'what was listed some time ago is believed': {
    afterLook: (before, found) => (found === undefined && before?.state === 'live' ? before : afterLook(before, found)),
    mustLookAgain: (before, seen) => seen === undefined && before !== undefined,
  },
  'a collection does not ask for a hold': { mayDecide: () => true },
  'a release is for ever': { isStanding: (_, releasedAt) => releasedAt === undefined },
  'a pack that is set aside is forgotten although a snapshot needs it': { afterSetAside: () => undefined },
  'a pack that is set aside stays live': { afterSetAside: (before) => before },
  'a commit takes packs that are known to be lost': {
    standing: (entry) => (entry?.state === 'lost' ? 'there' : standing(entry)),
  },
  'a put believes that what it found still lies there': { mustLookAtPut: () => false },
  'a put revives what is being purged, as if it were live': {
    afterPut: (before, pack, now) =>
      before?.state === 'purging' ? { ...before, state: 'live' } : afterPut(before, pack, now),
  },
};

/** Those that only show where packs rot. */
const ROTTING = new Set([
  'a pack that is set aside is forgotten although a snapshot needs it',
  'a pack that is set aside stays live',
  'a commit takes packs that are known to be lost',
  'a put believes that what it found still lies there',
]);

/** Those that only show where holds are set. */
const HOLDING = new Set(['a collection does not ask for a hold', 'a release is for ever']);

describe('the search finds it when', () => {
  it.each(Object.keys(MUTANTS))('%s', (name) => {
    const size = { packs: 2, snapshots: 2, replays: true, rots: ROTTING.has(name), holds: HOLDING.has(name) };
    const { broken } = search({ ...keeperRules, ...MUTANTS[name] }, size);
    expect(broken).toBeDefined();
    expect(broken?.history.length).toBeLessThan(15);
  });
});
