/**
 * Retention keeps the first, through the keeper itself: nothing that a device does after T, taken over or with a wrong
 * clock, takes away what was kept at T before the time it had then. The owner's rules and collections run every day
 * meanwhile. (Rules alone, without a keeper: src/retention/keep-first.test.ts.)
 */
import { toHex } from '@keephold/bytes';
import {
  type CommitRequest,
  type Custody,
  CustodyError,
  type PackId,
  type PackIdList,
  sortPackIds,
  type VaultPolicy,
} from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createCommit,
  createObject,
  createPack,
  type FixtureDevice,
} from '@keephold/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepFirst } from '../src/retention/keep-first.ts';
import { createTestRepository, type TestRepository } from './_repository.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 5);
const POLICY: VaultPolicy = { windowDays: 14, trashDays: 30, dailyDays: 20, weeklyWeeks: 8, monthlyMonths: 3 };
/** A ledger that is ahead by less than this is not noticed (security.md §4), and trash expires so much sooner. */
const UNNOTICED = 7 * DAY;

const HONEST = 0;

interface Commit {
  readonly by: number;
  /** In the honest device's stream. */
  readonly pretends: boolean;
  readonly kind: 'snapshot' | 'checkpoint';
  /** Its own clock, days off. */
  readonly clockDays: number;
}

type Act =
  | ({ readonly kind: 'flood'; readonly count: number } & { readonly commit: Commit })
  | { readonly kind: 'wait'; readonly days: number }
  | { readonly kind: 'forget'; readonly pick: number }
  | { readonly kind: 'collect' }
  | { readonly kind: 'replay' }
  | { readonly kind: 'supersede' }
  /** A machine whose clock is off commits once. */
  | { readonly kind: 'wrong clock'; readonly days: number };

// The honest device itself may be taken over: its keys are as good as those of another.
const commit: fc.Arbitrary<Commit> = fc.record({
  by: fc.nat({ max: 1 }),
  pretends: fc.boolean(),
  kind: fc.constantFrom('snapshot' as const, 'snapshot' as const, 'checkpoint' as const),
  clockDays: fc.integer({ min: -4000, max: 4000 }),
});
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('flood' as const), count: fc.integer({ min: 1, max: 8 }), commit }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const), pick: fc.nat({ max: 30 }) }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Act>({ kind: 'collect' }, { kind: 'replay' }, { kind: 'supersede' }),
  },
);
const history = fc.array(fc.record({ gapHours: fc.integer({ min: 1, max: 12 * 24 }) }), {
  minLength: 4,
  maxLength: 14,
});

/** What was kept at T, and until when at least. */
interface Kept {
  readonly seq: number;
  readonly until: number;
  readonly packs: PackIdList;
}

class Life {
  readonly #account: AccountFixture;
  readonly #repository: TestRepository;
  readonly #clock: { time: number };
  readonly #sent: CommitRequest[] = [];
  readonly #packs = new Map<number, PackIdList>();
  /** When the compromised device put it into the trash. */
  readonly #trashed = new Map<number, number>();
  #kept: readonly Kept[] = [];
  #ahead = 0;

  constructor(account: AccountFixture, repository: TestRepository, clock: { time: number }) {
    this.#account = account;
    this.#repository = repository;
    this.#clock = clock;
  }

  get #custody(): Custody {
    return this.#repository.custody;
  }

  async commit(what: Commit, custody: Custody = this.#custody): Promise<void> {
    const { vault, devices } = this.#account;
    const pack = createPack(vault, 1, 1);
    const [object, index] = [createObject(), createObject()];
    await custody.putPack(vault, pack.id, pack.bytes);
    for (const { name, bytes } of [object, index]) await custody.putObject(vault, name, bytes);
    const packs = sortPackIds([pack.id]);
    const request = createCommit({
      account: this.#account,
      device: devices[what.by] as FixtureDevice,
      ...(what.pretends ? { streamId: (devices[HONEST] as FixtureDevice).streamId } : {}),
      clientTime: BigInt(this.#clock.time + what.clockDays * DAY) * 1_000_000n,
      kind: what.kind,
      head: await custody.head(vault),
      snapshotObject: object.name,
      indexObjects: [index.name],
      packsAdded: packs,
      refset: packs,
    });
    const outcome = await custody.commit(vault, request);
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    this.#sent.push(request);
    this.#packs.set(outcome.head.seq, packs);
  }

  /** This is T. */
  async settle(): Promise<void> {
    const now = this.#clock.time;
    const times = (await this.#custody.snapshots(this.#account.vault)).map(({ receivedAt }) => receivedAt);
    this.#kept = [...this.#packs].flatMap(([seq, packs], i) => {
      const until = promise(times, i, now);
      return until > now ? [{ seq, until, packs }] : [];
    });
  }

  async act(what: Act): Promise<void> {
    const { vault } = this.#account;
    if (what.kind === 'flood') for (let i = 0; i < what.count; i++) await this.commit(what.commit);
    else if (what.kind === 'wait') for (let day = 0; day < what.days; day++) await this.#day();
    else if (what.kind === 'forget') await this.#forget(what.pick);
    else if (what.kind === 'collect') await this.#custody.collect(vault, {});
    else if (what.kind === 'replay') await this.#replay();
    else if (what.kind === 'supersede') await this.#supersede();
    else await this.#wrongClock(what.days);
  }

  /** @throws when something kept at T is gone before its time. */
  async check(): Promise<void> {
    const { vault } = this.#account;
    const states = new Map((await this.#custody.snapshots(vault)).map(({ seq, state }) => [seq, state]));
    for (const { seq, until, packs } of this.#kept) {
      const trashed = this.#trashed.get(seq);
      const restorable =
        trashed === undefined ? Number.POSITIVE_INFINITY : trashed + POLICY.trashDays * DAY - this.#ahead;
      if (this.#clock.time >= Math.min(until, restorable)) continue;
      expectOneOf(states.get(seq), ['active', 'trashed'], `snapshot ${seq}`);
      const into = new Uint8Array(96);
      for (let at = 0; at < packs.length; at += 32) {
        const id = packs.slice(at, at + 32) as Uint8Array as PackId;
        expectOneOf(await this.#custody.getPack(vault, id, into), [96], `pack of snapshot ${seq}`);
      }
      expectOneOf(toHex(await this.#custody.refset(vault, seq)), [toHex(packs)], `refset of snapshot ${seq}`);
      if (states.get(seq) === 'trashed' && trashed === undefined) throw new Error(`the rules gave up snapshot ${seq}`);
    }
  }

  /** Of an owner who notices nothing: rules, collection, a backup. */
  async #day(): Promise<void> {
    this.#clock.time += DAY;
    const { vault } = this.#account;
    const records = (await this.#custody.snapshots(vault)).filter(({ state }) => state !== 'expired');
    const active = new Set(records.filter(({ state }) => state === 'active').map(({ seq }) => seq));
    const going = keepFirst(records, POLICY, this.#clock.time).filter(({ keep, seq }) => !keep && active.has(seq));
    if (going.length > 0)
      await this.#custody.trash(
        vault,
        going.map(({ seq }) => seq),
      );
    await this.#custody.collect(vault, {});
  }

  async #forget(pick: number): Promise<void> {
    const { vault } = this.#account;
    const active = (await this.#custody.snapshots(vault)).filter(({ state }) => state === 'active');
    const chosen = pick >= active.length ? active : [active[pick]!];
    if (chosen.length === 0) return;
    await this.#custody.trash(
      vault,
      chosen.map(({ seq }) => seq),
    );
    for (const { seq } of chosen) this.#trashed.set(seq, this.#clock.time);
  }

  /** Everything that was ever sent, once more. */
  async #replay(): Promise<void> {
    for (const request of this.#sent) {
      const { kind } = await this.#custody.commit(this.#account.vault, request).catch(refusal);
      expectOneOf(kind, ['accepted', 'head-moved', 'refused'], 'a replay');
    }
  }

  async #supersede(): Promise<void> {
    const { vault, devices } = this.#account;
    const object = createObject();
    await this.#custody.putObject(vault, object.name, object.bytes);
    const [, intruder] = devices;
    const names = (await this.#custody.snapshots(vault)).map((record) => record.object);
    const request = createCommit({
      account: this.#account,
      device: intruder as FixtureDevice,
      head: await this.#custody.head(vault),
      snapshotObject: object.name,
      packsAdded: new Uint8Array(0),
      refset: new Uint8Array(0),
      superseded: names,
    });
    expectOneOf((await this.#custody.commit(vault, request)).kind, ['accepted'], 'a commit that supersedes');
  }

  async #wrongClock(days: number): Promise<void> {
    const clock = { now: (): number => this.#clock.time + days * DAY };
    const machine = await this.#repository.open({ clock });
    await this.commit({ by: 1, pretends: false, kind: 'snapshot', clockDays: days }, machine);
    await machine.collect(this.#account.vault, {});
    await machine[Symbol.asyncDispose]();
    if (days > 0 && days * DAY <= UNNOTICED) this.#ahead = Math.max(this.#ahead, days * DAY);
  }
}

/**
 * Security.md §6.2 for one stream of complete snapshots, said anew so that the rules are not their own judge: until when
 * the one at `i` was to be kept, as of now. Months are taken as their shortest.
 */
function promise(times: readonly number[], i: number, now: number): number {
  const time = times[i] as number;
  const isFirst = (bucketOf: (at: number) => string): boolean =>
    times.slice(0, i).every((earlier) => bucketOf(earlier) !== bucketOf(time));
  const ends = [(times[i + 1] ?? now) + POLICY.windowDays * DAY];
  if (isFirst((at) => new Date(at).toISOString().slice(0, 10))) ends.push(time + POLICY.dailyDays * DAY);
  // Weeks begin on Mondays, as START does.
  if (isFirst((at) => String(Math.floor((at - START) / (7 * DAY))))) ends.push(time + POLICY.weeklyWeeks * 7 * DAY);
  if (isFirst((at) => new Date(at).toISOString().slice(0, 7))) ends.push(time + POLICY.monthlyMonths * 28 * DAY);
  return Math.max(...ends);
}

function expectOneOf(found: unknown, wanted: readonly unknown[], what: string): void {
  expect(wanted, what).toContain(found);
}

function refusal(error: unknown): { readonly kind: 'refused' } {
  if (error instanceof CustodyError && error.code === 'refused') return { kind: 'refused' };
  throw error;
}

async function run(acts: readonly Act[], before: readonly { readonly gapHours: number }[]): Promise<void> {
  const clock = { time: START, now: (): number => clock.time };
  const account = createAccountFixture({ devices: 2, policy: POLICY });
  await using repository = await createTestRepository(account, { clock });
  const life = new Life(account, repository, clock);
  for (const { gapHours } of before) {
    clock.time += gapHours * HOUR;
    await life.commit({ by: HONEST, pretends: false, kind: 'snapshot', clockDays: 0 });
  }
  await life.settle();
  for (const one of acts) {
    await life.act(one);
    await life.check();
  }
}

describe('what was kept at T', () => {
  it('stays its time, whatever devices commit, replay, forget and collect after T', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.array(act, { minLength: 4, maxLength: 14 }), async (before, acts) => {
        await run(acts, before);
      }),
      { numRuns: 12 },
    );
  }, 300_000);

  it('stays its time when a machine with a wrong clock uses the vault once', async () => {
    const skew = fc.oneof(fc.integer({ min: -4000, max: 4000 }), fc.integer({ min: 1, max: 9 }));
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.array(act, { maxLength: 6 }),
        skew,
        fc.array(act, { minLength: 3, maxLength: 8 }),
        async (before, first, days, then) => {
          await run([...first, { kind: 'wrong clock', days }, ...then], before);
        },
      ),
      { numRuns: 10 },
    );
  }, 300_000);
});
