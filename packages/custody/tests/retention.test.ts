/** Time and retention over a folder: random histories, and the rules of the clock. */
import type { Custody, PackId, PackIdList } from '@keephold/protocol';
import {
  createAccountFixture,
  createPack,
  type FixtureDevice,
  type FixturePack,
  type Stored,
  storeSnapshot,
} from '@keephold/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FolderPurgeReport } from '../src/index.ts';
import { createTestRepository } from './_repository.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 5);

class TestClock {
  time = START;
  readonly now = (): number => this.time;
}

type Step =
  | {
      readonly kind: 'store';
      readonly fresh: number;
      readonly drop: number;
      readonly child: boolean;
      readonly device: number;
    }
  | { readonly kind: 'trash' | 'untrash'; readonly pick: number }
  | { readonly kind: 'collect'; readonly trashDays: number; readonly purgeDays: number }
  | { readonly kind: 'wait'; readonly days: number }
  | { readonly kind: 'reopen' };

const small = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      fresh: fc.nat({ max: 2 }),
      drop: small,
      child: fc.boolean(),
      device: fc.nat({ max: 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('trash' as const, 'untrash' as const), pick: small }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('collect' as const),
      trashDays: fc.nat({ max: 2 }),
      purgeDays: fc.nat({ max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), days: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

function idsOf(list: PackIdList): readonly PackId[] {
  return Array.from({ length: list.length / 32 }, (_, i) => list.slice(i * 32, i * 32 + 32) as Uint8Array as PackId);
}

describe('random histories', () => {
  it('never lose a pack that an active or trashed snapshot needs, nor a snapshot before its time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const clock = new TestClock();
        const account = createAccountFixture({ devices: 2 });
        await using repository = await createTestRepository(account, { clock });
        let custody: Custody = repository.custody;
        const stored: Stored[] = [];
        const packs: FixturePack[] = [];
        for (const next of steps) {
          const snapshots = await custody.snapshots(account.vault);
          const active = new Set(snapshots.filter(({ state }) => state === 'active').map(({ seq }) => seq));
          if (next.kind === 'store') {
            const fresh = Array.from({ length: next.fresh }, () => createPack(account.vault, 2, 64));
            packs.push(...fresh);
            const parent = next.child ? stored.findLast(({ seq }) => active.has(seq)) : undefined;
            const drop = packs[next.drop];
            const without = drop === undefined || fresh.includes(drop) ? [] : [drop];
            const device = account.devices[next.device] as FixtureDevice;
            const options = { packs: fresh, without, device, ...(parent === undefined ? {} : { parent }) };
            stored.push(await storeSnapshot(custody, account, options));
          } else if (next.kind === 'wait') clock.time += next.days * DAY;
          else if (next.kind === 'collect') {
            const report = (await custody.collect(account.vault, next)) as FolderPurgeReport;
            const after = new Set(
              (await custody.snapshots(account.vault)).map(({ seq, state }) => (state === 'active' ? seq : -1)),
            );
            for (const seq of active) expect(after.has(seq)).toBe(true);
            expect(report.paused === undefined || report.purgedPacks === 0).toBe(true);
          } else if (next.kind === 'reopen') {
            if (custody !== repository.custody) await custody[Symbol.asyncDispose]();
            custody = await repository.open({ clock });
          } else {
            const picked = snapshots.filter(({ state }) => state === 'active' || state === 'trashed')[next.pick];
            if (picked !== undefined) await custody[next.kind](account.vault, [picked.seq]);
          }
          await expectInvariant(custody, account.vault, stored);
        }
        if (custody !== repository.custody) await custody[Symbol.asyncDispose]();
      }),
      { numRuns: 12 },
    );
  }, 180_000);
});

async function expectInvariant(custody: Custody, vault: Stored['refset'], stored: readonly Stored[]): Promise<void> {
  const referable = new Set(
    idsOf(await custody.referablePacks(vault as never)).map((id) => Buffer.from(id).toString('hex')),
  );
  const into = new Uint8Array(96);
  for (const { seq, state } of await custody.snapshots(vault as never)) {
    if (state === 'expired') continue;
    const expected = stored.find((one) => one.seq === seq)?.refset as PackIdList;
    expect(await custody.refset(vault as never, seq)).toEqual(expected);
    for (const id of idsOf(expected)) {
      expect(referable.has(Buffer.from(id).toString('hex'))).toBe(true);
      expect(await custody.getPack(vault as never, id, into)).toBe(96);
    }
  }
}

describe('the clock', () => {
  it('never lets a receive time fall', async () => {
    const clock = new TestClock();
    const account = createAccountFixture();
    await using repository = await createTestRepository(account, { clock });
    await storeSnapshot(repository.custody, account);
    clock.time -= 3 * DAY;
    await storeSnapshot(repository.custody, account);
    const times = (await repository.custody.snapshots(account.vault)).map(({ receivedAt }) => receivedAt);
    expect(times).toEqual([START, START]);
  });

  it('that jumps pauses expiry and purge until three days of use or a word of the owner', async () => {
    const clock = new TestClock();
    const account = createAccountFixture();
    await using repository = await createTestRepository(account, { clock });
    const { custody } = repository;
    const first = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
    await custody.trash(account.vault, [first.seq]);
    clock.time += 100 * DAY;
    expect(await custody.collect(account.vault, {})).toMatchObject({ paused: 'clock-jump', expiredSnapshots: 0 });
    clock.time += DAY;
    expect(await custody.collect(account.vault, {})).toMatchObject({ paused: 'clock-jump' });
    const confirmed = { dryRun: true, dateConfirmed: true };
    expect(await custody.collect(account.vault, confirmed)).toMatchObject({ paused: undefined, expiredSnapshots: 1 });
    clock.time += DAY;
    expect(await custody.collect(account.vault, {})).toMatchObject({
      paused: undefined,
      expiredSnapshots: 1,
      condemned: 1,
    });
  });

  it('gives the trash its thirty days, and condemned packs their seven', async () => {
    const clock = new TestClock();
    const account = createAccountFixture();
    await using repository = await createTestRepository(account, { clock });
    const { custody } = repository;
    const first = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
    const [change] = await custody.trash(account.vault, [first.seq]);
    expect(change?.expiresAt).toBe(START + 30 * DAY);
    const events: string[] = [];
    for (let day = 0; day <= 40; day++) {
      const { expiredSnapshots, purgedPacks } = await custody.collect(account.vault, {});
      if (expiredSnapshots + purgedPacks > 0) events.push(`${day}: ${expiredSnapshots} ${purgedPacks}`);
      clock.time += DAY;
    }
    expect(events).toEqual(['30: 1 0', '37: 0 1']);
  });

  it('ends the lease of packs that no commit ever named', async () => {
    const clock = new TestClock();
    const account = createAccountFixture();
    await using repository = await createTestRepository(account, { clock });
    const pack = createPack(account.vault, 1, 1);
    await repository.custody.putPack(account.vault, pack.id, pack.bytes);
    const days: number[] = [];
    const custody = await repository.open({ clock });
    for (let day = 0; day <= 20; day++) {
      if ((await custody.collect(account.vault, {})).purgedPacks > 0) days.push(day);
      clock.time += DAY;
    }
    expect(days).toEqual([14]);
    await custody[Symbol.asyncDispose]();
  });
});
