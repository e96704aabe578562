/**
 * A vault small enough that every history of it can be looked at: some packs, some snapshots, one collection rule. It
 * is driven by the keeper's own transitions (`rules`), one step for every transaction or effect on bytes that the
 * keeper makes, and it forgets nothing that a later step could depend on.
 *
 * Who acts has no state here: any writer or collector may do any step at any time, with whatever it saw, or made up,
 * long ago. So there are as many of them as one likes, they are slow, malicious, or killed between any two steps, and
 * their clocks differ: the only time is the ledger's, and it may pass between any two steps.
 *
 * Time is relative: an entry knows how long ago or ahead its date is, as far as that matters. The states are therefore
 * finite, and the search ends by having seen all of them, not by giving up at a depth.
 */
import type { PackEntry } from '../src/pack-state.ts';
import * as packState from '../src/pack-state.ts';
import * as holdState from '../src/retention/hold-state.ts';
import type { SnapshotEntry } from '../src/snapshot-state.ts';
import * as snapshotState from '../src/snapshot-state.ts';

/** The rules under test; a mutant replaces some. */
export type Rules = typeof packState & typeof snapshotState & typeof holdState;
export const keeperRules: Rules = { ...packState, ...snapshotState, ...holdState };

export interface ModelSize {
  readonly packs: number;
  /** At once; those that are gone are forgotten, so histories have any number. */
  readonly snapshots: number;
  /** Whether the ledger may be lost, or fall back to an earlier state, and be replayed from the chain. */
  readonly replays: boolean;
  /** Whether packs rot, are set aside, and are put again by heals and backups. */
  readonly rots: boolean;
  /** Whether devices set holds, and the owner releases them. */
  readonly holds: boolean;
}

/** Time passes in steps of a lease. */
const STEP = packState.LEASE;
const TRASH_DELAY = STEP;
const PURGE_DELAY = 2 * STEP;

interface Pack {
  /** There is a file, sound or not. */
  readonly bytes: boolean;
  /**
   * What befell its bytes since they were written: nothing; they are wrong; they are gone by it, and the ledger does not
   * know; it does; they were put again, and the ledger does not know that.
   */
  readonly harm: 'none' | 'rotten' | 'gone' | 'known' | 'mended';
  readonly entry: PackEntry | undefined;
  /** What a replay of the whole chain, or from where the saved ledger was, would say. */
  readonly replayed: PackEntry | undefined;
  readonly saved: PackEntry | undefined;
  /** Ledger time since it was last live, at most the purge delay. */
  readonly unusedFor: number;
}

interface Snapshot extends SnapshotEntry {
  /** A bit a pack. */
  readonly refset: number;
}

/** Seqs of the keychain, as far as their order matters. */
interface HoldRecord {
  readonly setAt: number;
  readonly releasedAt: number | undefined;
  /** What whoever set it relies on. */
  readonly isHeld: boolean;
}

export interface World {
  readonly hold: HoldRecord | undefined;
  readonly packs: readonly Pack[];
  readonly snapshots: readonly Snapshot[];
  /** What the last step broke. */
  readonly broken?: string;
}

export interface Step {
  readonly name: string;
  readonly world: World;
}

const NOTHING: Pack = {
  bytes: false,
  harm: 'none',
  entry: undefined,
  replayed: undefined,
  saved: undefined,
  unusedFor: PURGE_DELAY,
};
const SIZE = { kind: 1, pages: 1 };

export function firstWorld({ packs }: ModelSize): World {
  return { hold: undefined, packs: Array.from({ length: packs }, () => NOTHING), snapshots: [] };
}

/** Everything that can happen next. */
export function* steps(rules: Rules, size: ModelSize, world: World): Generator<Step> {
  yield { name: 'time passes', world: pass(world) };
  for (const [id, pack] of world.packs.entries()) {
    yield* packSteps(rules, world, id, pack);
    if (size.rots) yield* harmSteps(rules, world, id, pack);
  }
  yield* commitSteps(rules, size, world);
  for (const [index, snapshot] of world.snapshots.entries()) yield* snapshotSteps(rules, world, index, snapshot);
  if (size.holds) yield* holdSteps(rules, world);
  yield* collectSteps(rules, world);
  if (!size.replays) return;
  yield { name: 'the ledger is saved', world: mapPacks(world, (pack) => ({ ...pack, saved: pack.entry })) };
  const fallen = mapPacks(world, (pack) => forgetful({ ...pack, entry: pack.saved }));
  yield { name: 'the ledger falls back', world: fallen };
  yield {
    name: 'the ledger falls back and catches up',
    world: mapPacks(fallen, (pack) => lookedAt(rules, pack, pack.bytes)),
  };
  const rebuilt = mapPacks(world, (pack) => lookedAt(rules, forgetful({ ...pack, entry: pack.replayed }), pack.bytes));
  // The new one cannot fall back to what the old one was.
  const anew = mapPacks(rebuilt, (pack) => ({ ...pack, saved: pack.entry }));
  yield { name: 'the ledger is lost and replayed', world: anew };
}

/** A hold is set where none stands, as the keeper sees it; the owner may release at any time. */
function* holdSteps(rules: Rules, world: World): Generator<Step> {
  const { hold } = world;
  if (!standsNow(rules, world)) {
    const set: HoldRecord =
      hold?.releasedAt === undefined
        ? { setAt: 0, releasedAt: undefined, isHeld: true }
        : { setAt: 0, releasedAt: 0, isHeld: true };
    yield { name: 'set a hold', world: { ...world, hold: set } };
  }
  if (hold !== undefined)
    yield { name: 'release', world: { ...world, hold: { setAt: 0, releasedAt: 1, isHeld: false } } };
}

function standsNow(rules: Rules, { hold }: World): boolean {
  return hold !== undefined && rules.isStanding(hold.setAt, hold.releasedAt);
}

function* packSteps(rules: Rules, world: World, id: number, pack: Pack): Generator<Step> {
  // What is there already is not written again. A heal that takes a lost pack from a copy does the same two steps.
  if (!pack.bytes) {
    yield { name: `put ${id}: bytes`, world: withPack(world, id, { ...pack, bytes: true, harm: mended(pack) }) };
  }
  const isRefused = rules.mustLookAtPut(pack.entry) && !pack.bytes;
  const put = isRefused ? undefined : rules.afterPut(pack.entry, SIZE, 0);
  if (put !== undefined)
    yield { name: `put ${id}: ledger`, world: withPack(world, id, settled({ ...pack, entry: put })) };
  if (pack.entry !== undefined) {
    const entry = rules.afterRenewal(pack.entry, 0);
    yield { name: `renew ${id}`, world: withPack(world, id, { ...pack, entry }) };
  }
  if (rules.mayDelete(pack.entry)) {
    const gone: Pack = { ...pack, bytes: false, harm: 'none' };
    yield { name: `delete ${id}, killed`, world: withPack(world, id, gone) };
    yield { name: `delete ${id}`, world: withPack(world, id, { ...gone, entry: undefined }) };
  }
}

/** Bytes go wrong by themselves; whoever looks sets them aside under the ledger's lock, the bytes before the entry. */
function* harmSteps(rules: Rules, world: World, id: number, pack: Pack): Generator<Step> {
  if (pack.harm !== 'rotten' && pack.bytes)
    yield { name: `${id} rots`, world: withPack(world, id, { ...pack, harm: 'rotten' }) };
  if (pack.harm !== 'rotten') return;
  const aside: Pack = { ...pack, bytes: false };
  yield { name: `set ${id} aside, killed`, world: withPack(world, id, { ...aside, harm: 'gone' }) };
  const entry = pack.entry === undefined ? undefined : rules.afterSetAside(pack.entry);
  yield { name: `set ${id} aside`, world: withPack(world, id, { ...aside, harm: 'known', entry }) };
}

function mended({ harm }: Pack): Pack['harm'] {
  return harm === 'gone' || harm === 'known' ? 'mended' : harm;
}

/** All is as if nothing had been. */
function settled(pack: Pack): Pack {
  return pack.harm === 'mended' && pack.entry?.state !== 'lost' ? { ...pack, harm: 'none' } : pack;
}

/** A ledger that was replaced does not know what the one before it knew: neither losses nor what mended them. */
function forgetful(pack: Pack): Pack {
  if (pack.harm === 'none' && pack.bytes && pack.entry?.state === 'lost') return { ...pack, harm: 'mended' };
  return pack.harm === 'known' ? { ...pack, harm: 'gone' } : pack;
}

/** Any refset, as a delta to any snapshot or to nothing. */
function* commitSteps(rules: Rules, size: ModelSize, world: World): Generator<Step> {
  if (world.snapshots.length >= size.snapshots) return;
  const bases = [undefined, ...world.snapshots];
  for (let refset = 1; refset < 1 << size.packs; refset++) {
    for (const [number, base] of bases.entries()) {
      const lists = { whole: refset, added: refset & ~(base?.refset ?? 0) };
      const toProve = rules.packsToProve(base !== undefined && rules.isKeptState(base.state), lists);
      if (!world.packs.every((pack, id) => !has(toProve, id) || isProven(rules, pack))) continue;
      const live = mapPacks(world, (pack, id) => (has(toProve, id) ? told(pack, rules.afterCommit) : pack));
      const snapshot: Snapshot = { refset, state: 'active', trashedAt: 0 };
      const name = `commit ${bits(refset)} on ${number === 0 ? 'nothing' : bits((base as Snapshot).refset)}`;
      yield { name, world: { ...live, snapshots: [...world.snapshots, snapshot] } };
    }
  }
}

function isProven(rules: Rules, { bytes, entry }: Pack): boolean {
  const found = rules.standing(entry);
  return found === 'there' || (found === 'unproven' && bytes);
}

function* snapshotSteps(rules: Rules, world: World, index: number, snapshot: Snapshot): Generator<Step> {
  const change = (entry: SnapshotEntry): World => ({
    ...world,
    snapshots: world.snapshots.map((one, at) => (at === index ? { ...one, ...entry } : one)),
  });
  const name = bits(snapshot.refset);
  if (snapshot.state === 'active') yield { name: `trash ${name}`, world: change(rules.afterEvent('trashed', 0)) };
  if (rules.mayUntrash(snapshot.state)) {
    yield { name: `untrash ${name}`, world: change(rules.afterEvent('untrashed', 0)) };
  }
  if (rules.isVanishing(snapshot, 0, PURGE_DELAY)) {
    yield { name: `vanish ${name}`, world: { ...world, snapshots: world.snapshots.filter((_, at) => at !== index) } };
  }
}

/**
 * Collections list the folder before they take the lock, so each pack was there or not when that was, whatever it is now.
 * What snapshots need is exact: it is completed under the lock.
 */
function* collectSteps(rules: Rules, world: World): Generator<Step> {
  if (!rules.mayDecide(standsNow(rules, world))) return;
  const snapshots = world.snapshots.map((one) =>
    rules.isExpiring(one, 0, TRASH_DELAY) ? { ...one, ...rules.afterEvent('expired', 0) } : one,
  );
  const doesExpire = snapshots.some(({ state }, at) => state !== world.snapshots[at]?.state);
  const isBroken = doesExpire && world.hold?.isHeld === true;
  const expired: World = { ...world, snapshots, ...(isBroken && { broken: 'a snapshot expires during a hold' }) };
  yield { name: 'collect, killed after expiring', world: expired };
  const needed = snapshots.reduce((all, { state, refset }) => (rules.isKeptState(state) ? all | refset : all), 0);
  const different = new Set<string>();
  for (const listed of subsets(world)) {
    const looked = mapPacks(expired, (pack, id) => lookedAt(rules, pack, has(listed, id)));
    // Most listings lead to the same.
    const key = looked.packs.map(({ entry }) => entryKey(entry)).join();
    if (different.has(key)) continue;
    different.add(key);
    yield* decisionSteps(rules, expired, { looked, needed, name: `collect with ${bits(listed)} listed` });
  }
}

function* subsets({ packs }: World): Generator<number> {
  for (let mask = 0; mask < 1 << packs.length; mask++) yield mask;
}

/** The same killed after it appended to the chain: what it had done in the ledger is undone. */
function* decisionSteps(
  rules: Rules,
  expired: World,
  { looked, needed, name }: { readonly looked: World; readonly needed: number; readonly name: string },
): Generator<Step> {
  const decided = looked.packs.map(({ entry }, id) =>
    entry === undefined
      ? entry
      : rules.afterCollection(entry, { isNeeded: has(needed, id), now: 0, delay: PURGE_DELAY }),
  );
  const isPurged = (id: number): boolean =>
    decided[id]?.state === 'purging' && looked.packs[id]?.entry?.state !== 'purging';
  const purged = (before: World): World =>
    mapPacks(before, (pack, id) => (isPurged(id) ? told(pack, rules.afterPurge) : pack));
  const changes = (state: string): boolean =>
    decided.some((entry, id) => entry?.state === state && looked.packs[id]?.entry?.state !== state);
  const isHeld = expired.hold?.isHeld === true && (changes('condemned') || changes('purging'));
  const early = looked.packs.findIndex(({ unusedFor }, id) => isPurged(id) && unusedFor < PURGE_DELAY);
  const tooEarly = early < 0 ? {} : { broken: `pack ${early} was in use less than the delay ago and is purged` };
  const broken = isHeld ? { broken: 'a pack is condemned or purged during a hold' } : tooEarly;
  yield { name: `${name}, killed after purging`, world: { ...purged(expired), ...broken } };
  const all = mapPacks(purged(looked), (pack, id) => ({ ...pack, entry: decided[id] }));
  yield { name, world: { ...all, ...broken } };
}

/** A file may be of any age; the oldest is worst. */
const WRITTEN = { pages: 1, writtenAt: -STEP };

/** Collections and replays compare the ledger with a listing, and where that is not enough with the folder. */
function lookedAt(rules: Rules, pack: Pack, isListed: boolean): Pack {
  if (!rules.mustLookAgain(pack.entry, isListed ? WRITTEN : undefined, 0)) return pack;
  return settled({ ...pack, entry: rules.afterLook(pack.entry, pack.bytes ? WRITTEN : undefined) });
}

/** Something that is in the chain, so that a replay says it too. */
function told(pack: Pack, after: (entry: PackEntry | undefined) => PackEntry): Pack {
  return { ...pack, entry: after(pack.entry), replayed: after(pack.replayed), saved: after(pack.saved) };
}

function pass(world: World): World {
  const older = (entry: PackEntry | undefined): PackEntry | undefined => {
    if (entry?.state === 'pending') return { ...entry, since: Math.max(0, entry.since - STEP) };
    if (entry?.state === 'condemned') return { ...entry, since: Math.max(-PURGE_DELAY, entry.since - STEP) };
    return entry;
  };
  const delays = { trashed: TRASH_DELAY, expired: PURGE_DELAY, active: 0, none: 0, gone: 0 };
  return {
    hold: world.hold,
    packs: world.packs.map((pack) => ({
      ...pack,
      entry: older(pack.entry),
      saved: older(pack.saved),
      unusedFor: pack.entry?.state === 'live' ? 0 : Math.min(PURGE_DELAY, pack.unusedFor + STEP),
    })),
    snapshots: world.snapshots.map((one) => ({
      ...one,
      trashedAt: Math.max(-delays[one.state], one.trashedAt - STEP),
    })),
  };
}

/** Why the world must not be, if it must not. */
export function violation(rules: Rules, { packs, snapshots, broken }: World): string | undefined {
  if (broken !== undefined) return broken;
  for (const { state, refset } of snapshots) {
    if (state !== 'active' && state !== 'trashed') continue;
    for (const [id, { bytes, harm, entry }] of packs.entries()) {
      if (!has(refset, id)) continue;
      // Nothing that the ledger does can bring rotten bytes back; it must not forget that they are wanted.
      if (entry?.state === 'lost' && harm !== 'none') continue;
      if (harm === 'known') return `pack ${id} was set aside, a snapshot needs it, and the ledger says ${entry?.state}`;
      if (!bytes && harm === 'none')
        return `the bytes of pack ${id} are gone, and a snapshot that is ${state} needs them`;
      if (entry?.state !== 'live') return `pack ${id} is ${entry?.state}, and a snapshot that is ${state} needs it`;
    }
  }
  return undefined;
}

/** The same for worlds that differ in names only. */
export function keyOf({ hold, packs, snapshots }: World): string {
  const shown = packs.map(
    ({ bytes, harm, entry, replayed, saved, unusedFor }) =>
      `${bytes ? 'b' : ''}${harm[0]}${entryKey(entry)}.${entryKey(replayed)}.${entryKey(saved)}.${unusedFor / STEP}`,
  );
  const kept = snapshots.map(({ refset, state, trashedAt }) => `${refset}${state[0]}${trashedAt / STEP}`).sort();
  const held = hold === undefined ? '' : `${hold.setAt},${hold.releasedAt},${hold.isHeld}`;
  return `${shown.join('|')}/${kept.join('|')}/${held}`;
}

function entryKey(entry: PackEntry | undefined): string {
  return entry === undefined ? '-' : `${entry.state[0]}${entry.state[1]}${entry.since / STEP}`;
}

function mapPacks(world: World, change: (pack: Pack, id: number) => Pack): World {
  return { ...world, packs: world.packs.map(change) };
}

function withPack(world: World, id: number, pack: Pack): World {
  return mapPacks(world, (one, at) => (at === id ? pack : one));
}

function has(refset: number, id: number): boolean {
  return (refset & (1 << id)) !== 0;
}

function bits(refset: number): string {
  return `{${[0, 1, 2, 3, 4].filter((id) => has(refset, id)).join()}}`;
}
