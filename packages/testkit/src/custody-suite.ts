/**
 * What every keeper must do, whoever it is: run against a folder and against a server. The factory makes an empty
 * repository for an account; the suite drives it through the Custody seam only.
 */
import { equalBytes } from '@keephold/bytes';
import {
  type CommitOutcome,
  type Custody,
  type Head,
  type PackIdList,
  packLength,
  sortPackIds,
  unionPackIds,
} from '@keephold/protocol';
import { describe, expect, it } from 'vitest';
import {
  type AccountFixture,
  createAccountFixture,
  createCommit,
  createObject,
  createPack,
  type FixtureDevice,
  type FixturePack,
} from './custody-fixture.ts';

export interface SuiteKeeper extends AsyncDisposable {
  readonly custody: Custody;
  /** Opens the same repository again, as another process would. */
  readonly reopen: () => Promise<Custody>;
}

export type KeeperFactory = (account: AccountFixture) => Promise<SuiteKeeper>;

const NONE: PackIdList = new Uint8Array(0);

export interface Stored {
  readonly head: Head;
  readonly seq: number;
  readonly refset: PackIdList;
}

export interface StoreOptions {
  readonly packs?: readonly FixturePack[];
  readonly parent?: Stored;
  readonly device?: FixtureDevice;
  readonly kind?: 'snapshot' | 'checkpoint';
  /** Packs of the parent that are left out. */
  readonly without?: readonly FixturePack[];
}

/** Stores a snapshot as a writer does: objects and packs, then the commit on the present head. */
export async function storeSnapshot(
  custody: Custody,
  account: AccountFixture,
  options: StoreOptions = {},
): Promise<Stored> {
  const { packs = [], parent, without = [] } = options;
  const object = createObject();
  const index = createObject();
  for (const pack of packs) await custody.putPack(account.vault, pack.id, pack.bytes);
  await custody.putObject(account.vault, index.name, index.bytes);
  await custody.putObject(account.vault, object.name, object.bytes);
  const packsAdded = sortPackIds(packs.map(({ id }) => id));
  const refset = withoutPacks(unionPackIds(parent?.refset ?? NONE, packsAdded), without);
  for (;;) {
    const outcome = await custody.commit(
      account.vault,
      createCommit({
        account,
        head: await custody.head(account.vault),
        snapshotObject: object.name,
        indexObjects: packs.length === 0 ? [] : [index.name],
        packsAdded,
        refset,
        ...(options.device === undefined ? {} : { device: options.device }),
        ...(options.kind === undefined ? {} : { kind: options.kind }),
        ...(parent === undefined ? {} : { parent }),
      }),
    );
    if (outcome.kind === 'accepted') return { head: outcome.head, seq: outcome.head.seq, refset };
    if (outcome.kind === 'missing-packs') throw new Error(`${outcome.packs.length / 32} packs are missing`);
  }
}

function withoutPacks(list: PackIdList, packs: readonly FixturePack[]): PackIdList {
  const ids = Array.from({ length: list.length / 32 }, (_, index) => list.subarray(index * 32, index * 32 + 32));
  return sortPackIds(ids.filter((id) => !packs.some((pack) => equalBytes(pack.id, id))));
}

export function custodySuite(name: string, factory: KeeperFactory): void {
  describe(`Custody: ${name}`, () => {
    accountCases(factory);
    writingCases(factory);
    packCases(factory);
    refusalCases(factory);
    readingCases(factory);
    retentionCases(factory);
  });
}

function accountCases(factory: KeeperFactory): void {
  it('gives back the account records it was made with', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    expect(await custody.accountId()).toEqual(account.accountId);
    expect(await custody.keychain(0)).toEqual(account.keychain);
    expect(await custody.keychain(1)).toEqual(account.keychain.slice(1));
    expect(await custody.slots()).toEqual(account.slots.map(({ record }) => record));
    expect(await custody.keyring()).toEqual(account.keyring);
    for (const { name, sealed } of account.grants) expect(await custody.grant(name)).toEqual(sealed);
    expect(await custody.grant(createObject().name)).toBeUndefined();
  });

  it('appends keychain entries in order, repeats included, and refuses what does not follow', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const slotId = new Uint8Array(16).fill(7);
    const stored = account.keychain.length;
    const entry = account.nextEntry({ kind: 'min-version', version: 1 });
    const after = account.nextEntry({ kind: 'release-hold', vaultId: account.vault });
    await expect(custody.appendKeychain(after)).rejects.toMatchObject({ code: 'refused' });
    expect(await custody.appendKeychain(entry)).toBe('appended');
    expect(await custody.appendKeychain(entry)).toBe('appended');
    expect(await custody.appendKeychain(after)).toBe('appended');
    expect(await custody.keychain(stored)).toEqual([entry, after]);
    await expect(custody.appendKeychain(new Uint8Array(200))).rejects.toMatchObject({ code: 'refused' });
    await custody.putSlot(slotId, new Uint8Array([1, 2]));
    await custody.putSlot(slotId, new Uint8Array([3]));
    expect(await custody.slots()).toContainEqual(new Uint8Array([3]));
    await custody.removeSlot(slotId);
    await custody.removeSlot(slotId);
    expect(await custody.slots()).not.toContainEqual(new Uint8Array([3]));
  });
}

function writingCases(factory: KeeperFactory): void {
  it('starts at the entry that created the vault and moves its head commit by commit', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    expect((await custody.head(account.vault)).seq).toBe(0);
    const first = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 4)] });
    expect(first.seq).toBe(1);
    const second = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 2, 1)], parent: first });
    expect(await custody.head(account.vault)).toEqual(second.head);
    const other = await keeper.reopen();
    expect(await other.head(account.vault)).toEqual(second.head);
    expect(await other.refset(account.vault, 1)).toEqual(first.refset);
    expect(await other.refset(account.vault, 2)).toEqual(second.refset);
    await other[Symbol.asyncDispose]();
  });

  it('takes the same commit again without a second effect', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const object = createObject();
    await custody.putObject(account.vault, object.name, object.bytes);
    const head = await custody.head(account.vault);
    const request = createCommit({ account, head, snapshotObject: object.name, packsAdded: NONE, refset: NONE });
    const outcome = await custody.commit(account.vault, request);
    expect(await custody.commit(account.vault, request)).toEqual(outcome);
    expect((await custody.head(account.vault)).seq).toBe(1);
  });

  it('answers head-moved to the second of two commits on one head', async () => {
    const account = createAccountFixture({ devices: 2 });
    await using keeper = await factory(account);
    const { custody } = keeper;
    const head = await custody.head(account.vault);
    const requests = [];
    for (const device of account.devices) {
      const object = createObject();
      await custody.putObject(account.vault, object.name, object.bytes);
      requests.push(
        createCommit({ account, device, head, snapshotObject: object.name, packsAdded: NONE, refset: NONE }),
      );
    }
    const outcomes: CommitOutcome[] = await Promise.all(
      requests.map(async (request) => await custody.commit(account.vault, request)),
    );
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['accepted', 'head-moved']);
    for (const outcome of outcomes) if (outcome.kind !== 'missing-packs') expect(outcome.head.seq).toBe(1);
  });

  it('names the packs of a refset that are not there, and accepts once they are', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const [there, missing] = [createPack(account.vault, 1, 1), createPack(account.vault, 2, 1)];
    await custody.putPack(account.vault, there.id, there.bytes);
    expect(await custody.referablePacks(account.vault)).toEqual(sortPackIds([there.id]));
    const object = createObject();
    await custody.putObject(account.vault, object.name, object.bytes);
    const refset = sortPackIds([there.id, missing.id]);
    const head = await custody.head(account.vault);
    const request = createCommit({ account, head, snapshotObject: object.name, packsAdded: refset, refset });
    expect(await custody.commit(account.vault, request)).toEqual({ kind: 'missing-packs', packs: missing.id });
    await custody.putPack(account.vault, missing.id, missing.bytes);
    expect((await custody.commit(account.vault, request)).kind).toBe('accepted');
    expect(await custody.referablePacks(account.vault)).toEqual(refset);
  });
}

function packCases(factory: KeeperFactory): void {
  it('takes packs and objects from shared memory and gives them back into it', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const pack = createPack(account.vault, 1, 3);
    const shared = new Uint8Array(new SharedArrayBuffer(pack.bytes.length));
    shared.set(pack.bytes);
    await custody.putPack(account.vault, pack.id, shared);
    await custody.putPack(account.vault, pack.id, shared);
    const into = new Uint8Array(new SharedArrayBuffer(packLength(3)));
    expect(await custody.getPack(account.vault, pack.id, into)).toBe(pack.bytes.length);
    expect(equalBytes(into, pack.bytes)).toBe(true);
    const pages = new Uint8Array(2 * 65_552);
    expect(await custody.getPack(account.vault, pack.id, pages, { first: 1, count: 2 })).toBe(pages.length);
    expect(equalBytes(pages, pack.bytes.subarray(96 + 65_552))).toBe(true);
    expect(await custody.getPack(account.vault, pack.id, pages, { first: 2, count: 2 })).toBe(65_552);
    expect(await custody.getPack(account.vault, createPack(account.vault, 1, 1).id, into)).toBeUndefined();
  });
}

function refusalCases(factory: KeeperFactory): void {
  it('refuses packs of wrong form, length or vault', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const pack = createPack(account.vault, 1, 2);
    const cases = [pack.bytes.subarray(0, -1), pack.bytes.subarray(0, 50), new Uint8Array(packLength(2))];
    const foreign = createPack(createAccountFixture().vault, 1, 1);
    for (const bytes of [...cases, foreign.bytes]) {
      await expect(custody.putPack(account.vault, pack.id, bytes)).rejects.toMatchObject({ code: 'refused' });
    }
    expect(await custody.referablePacks(account.vault)).toEqual(NONE);
  });

  it('refuses commits by strangers, with false lists, absent objects or too many short packs', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const object = createObject();
    await custody.putObject(account.vault, object.name, object.bytes);
    const shorts = [createPack(account.vault, 1, 1), createPack(account.vault, 1, 2)];
    for (const pack of shorts) await custody.putPack(account.vault, pack.id, pack.bytes);
    const refset = sortPackIds(shorts.map(({ id }) => id));
    const head = await custody.head(account.vault);
    const base = { account, head, snapshotObject: object.name, packsAdded: NONE, refset: NONE };
    const good = createCommit(base);
    const flipped = good.bytes.slice();
    flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1;
    const stranger = createAccountFixture().devices[0] as FixtureDevice;
    const requests = [
      { ...good, bytes: flipped },
      { ...good, packsAdded: refset },
      { ...good, refset: undefined },
      { ...good, refset: { parentSeq: undefined, added: refset, removed: NONE } },
      createCommit({ ...base, device: stranger }),
      createCommit({ ...base, snapshotObject: createObject().name }),
      createCommit({ ...base, packsAdded: refset, refset }),
      createCommit({ ...base, packsAdded: refset.subarray(0, 32) }),
    ];
    for (const [index, request] of requests.entries()) {
      await expect(custody.commit(account.vault, request), `request ${index}`).rejects.toMatchObject({
        code: 'refused',
      });
    }
    expect((await custody.head(account.vault)).seq).toBe(0);
    expect((await custody.commit(account.vault, good)).kind).toBe('accepted');
  });

  it('refuses a vault that the account does not have', async () => {
    await using keeper = await factory(createAccountFixture());
    await expect(keeper.custody.head(createAccountFixture().vault)).rejects.toMatchObject({ code: 'refused' });
  });
}

function readingCases(factory: KeeperFactory): void {
  it('lists commits, snapshots and objects', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const first = await storeSnapshot(custody, account, { kind: 'checkpoint' });
    await storeSnapshot(custody, account, { parent: first });
    const seqs: number[] = [];
    for await (const { seq } of custody.commits(account.vault, 0)) seqs.push(seq);
    expect(seqs).toEqual([1, 2]);
    const snapshots = await custody.snapshots(account.vault);
    expect(snapshots.map(({ seq, kind, state }) => [seq, kind, state])).toEqual([
      [1, 'checkpoint', 'active'],
      [2, 'complete', 'active'],
    ]);
    const names = snapshots.map(({ object }) => object);
    const absent = createObject().name;
    const objects = await custody.getObjects(account.vault, [...names, absent]);
    expect(objects.map((bytes) => bytes?.length)).toEqual([300, 300, undefined]);
    await expect(custody.refset(account.vault, 99)).rejects.toMatchObject({ code: 'refused' });
  });

  it('keeps refsets apart through long chains of deltas', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const packs = Array.from({ length: 6 }, () => createPack(account.vault, 2, 64));
    let last = await storeSnapshot(custody, account, { packs });
    const expected = [last.refset];
    for (let i = 0; i < 40; i++) {
      const pack = createPack(account.vault, 2, 1);
      const without = i % 3 === 0 && i < 12 ? [packs[i / 3] as FixturePack] : [];
      last = await storeSnapshot(custody, account, { packs: i % 2 === 0 ? [pack] : [], parent: last, without });
      expected.push(last.refset);
    }
    const other = await keeper.reopen();
    for (const [index, refset] of expected.entries()) {
      expect(equalBytes(await other.refset(account.vault, index + 1), refset)).toBe(true);
    }
    await other[Symbol.asyncDispose]();
  });
}

function retentionCases(factory: KeeperFactory): void {
  it('trashes, restores, expires and purges, and keeps what others need', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const [own, both] = [createPack(account.vault, 1, 2), createPack(account.vault, 2, 1)];
    const first = await storeSnapshot(custody, account, { packs: [own, both] });
    const second = await storeSnapshot(custody, account, { parent: first, without: [own] });
    const [change] = await custody.trash(account.vault, [first.seq]);
    expect(await custody.trash(account.vault, [first.seq])).toEqual([change]);
    expect((await custody.snapshots(account.vault))[0]).toMatchObject({
      state: 'trashed',
      expiresAt: change?.expiresAt,
    });
    await custody.untrash(account.vault, [first.seq]);
    expect((await custody.snapshots(account.vault))[0]).toMatchObject({ state: 'active' });
    await custody.trash(account.vault, [first.seq]);
    const nothing = await custody.collect(account.vault, {});
    expect(nothing).toMatchObject({ expiredSnapshots: 0, purgedPacks: 0, condemned: 0 });
    const dry = await custody.collect(account.vault, { trashDays: 0, purgeDays: 0, dryRun: true });
    expect(dry).toMatchObject({ expiredSnapshots: 1, purgedPacks: 1, condemned: 1 });
    expect((await custody.snapshots(account.vault))[0]).toMatchObject({ state: 'trashed' });
    const condemned = await custody.collect(account.vault, { trashDays: 0 });
    expect(condemned).toMatchObject({
      expiredSnapshots: 1,
      condemned: 1,
      condemnedBytes: own.bytes.length,
      purgedPacks: 0,
    });
    expect((await custody.usage(account.vault)).condemnedBytes).toBe(own.bytes.length);
    expect(await custody.referablePacks(account.vault)).toEqual(sortPackIds([own.id, both.id]));
    const purged = await custody.collect(account.vault, { trashDays: 0, purgeDays: 0 });
    expect(purged).toMatchObject({ purgedPacks: 1, purgedBytes: own.bytes.length, purgedObjects: 1 });
    const { packBytes, objectBytes } = await custody.usage(account.vault);
    expect((await custody.accountUsage()).storedBytes).toBe(packBytes + objectBytes);
    expect(await custody.referablePacks(account.vault)).toEqual(both.id);
    const into = new Uint8Array(packLength(2));
    expect(await custody.getPack(account.vault, own.id, into)).toBeUndefined();
    expect(await custody.getPack(account.vault, both.id, into)).toBe(both.bytes.length);
    expect((await custody.snapshots(account.vault)).map(({ seq }) => seq)).toEqual([second.seq]);
    await expect(custody.untrash(account.vault, [first.seq])).rejects.toMatchObject({ code: 'refused' });
  });

  it('deletes nothing while a hold stands, until the owner releases it, and a hold that is set later stands again', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const { vault } = account;
    const [by] = account.devices;
    const pack = createPack(vault, 1, 1);
    const first = await storeSnapshot(custody, account, { packs: [pack] });
    await storeSnapshot(custody, account);
    await custody.trash(vault, [first.seq]);
    expect(await custody.hold(vault)).toBeUndefined();
    const hold = await custody.setHold(vault, by?.deviceId);
    expect(hold).toMatchObject({ since: expect.any(Number) as number });
    // A server goes by who is signed in: here an unlocked app, which is no device.
    expect([by?.deviceId, undefined]).toContainEqual(hold.deviceId);
    expect(await custody.hold(vault)).toEqual(hold);
    expect(await custody.setHold(vault, by?.deviceId)).toEqual(hold);
    const all = { trashDays: 0, purgeDays: 0 };
    const nothing = { expiredSnapshots: 0, condemned: 0, purgedPacks: 0, purgedObjects: 0, paused: 'hold' };
    expect(await custody.collect(vault, all)).toMatchObject(nothing);
    expect(await custody.collect(vault, { ...all, dryRun: true })).toMatchObject(nothing);
    expect((await custody.snapshots(vault))[0]).toMatchObject({ state: 'trashed' });
    // Backups go on.
    await storeSnapshot(custody, account, { packs: [createPack(vault, 1, 1)] });
    await custody.appendKeychain(account.nextEntry({ kind: 'release-hold', vaultId: vault }));
    expect(await custody.hold(vault)).toBeUndefined();
    expect(await custody.collect(vault, { ...all, dryRun: true })).toMatchObject({ expiredSnapshots: 1 });
    await custody.setHold(vault, by?.deviceId);
    expect(await custody.collect(vault, all)).toMatchObject(nothing);
    await custody.appendKeychain(account.nextEntry({ kind: 'release-hold', vaultId: vault }));
    expect(await custody.collect(vault, all)).toMatchObject({ expiredSnapshots: 1, purgedPacks: 1 });
    expect(await custody.referablePacks(vault)).not.toEqual(pack.id);
  });

  it('tells what no commit names, and until when it is kept', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const [named, left] = [createPack(account.vault, 1, 1), createPack(account.vault, 1, 2)];
    await custody.putPack(account.vault, left.id, left.bytes);
    await storeSnapshot(custody, account, { packs: [named] });
    const { pendingBytes, pendingUntil = 0 } = await custody.usage(account.vault);
    expect(pendingBytes).toBe(left.bytes.length);
    const [snapshot] = await custody.snapshots(account.vault);
    const lease = pendingUntil - (snapshot?.receivedAt ?? 0);
    expect(Math.round(lease / 86_400_000)).toBe(7);
    await storeSnapshot(custody, account, { packs: [left] });
    expect(await custody.usage(account.vault)).toMatchObject({ pendingBytes: 0 });
    expect((await custody.usage(account.vault)).pendingUntil).toBeUndefined();
    const { packBytes, objectBytes } = await custody.usage(account.vault);
    expect((await custody.accountUsage()).storedBytes).toBe(packBytes + objectBytes);
  });

  it('takes back nothing that is whole, and no refset but the one that was signed', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const { vault } = account;
    const pack = createPack(vault, 1, 1);
    const { seq, refset } = await storeSnapshot(custody, account, { packs: [pack] });
    expect(await custody.unknownRefsets(vault)).toEqual([]);
    expect(await custody.recordedDelta(vault, seq)).toEqual({ added: refset, removed: NONE });
    expect(await custody.recordedDelta(vault, seq + 1)).toBeUndefined();
    expect(await custody.restateRefset(vault, seq, { refset, packs: undefined })).toBe(true);
    expect(await custody.restateRefset(vault, seq, { refset: NONE, packs: NONE })).toBe(false);
    expect(await custody.restateRefset(vault, seq + 1, { refset, packs: refset })).toBe(false);
    await expect(custody.restateRefset(vault, seq, { refset: new Uint8Array(33), packs: NONE })).rejects.toMatchObject({
      code: 'refused',
    });
    for await (const { bytes } of custody.commits(vault, 0))
      expect(await custody.putBackCommit(vault, bytes)).toBe(false);
    await expect(custody.putBackCommit(vault, new Uint8Array(100))).rejects.toMatchObject({ code: 'refused' });
    expect(await custody.refset(vault, seq)).toEqual(refset);
    expect(await custody.audit(vault)).toEqual([]);
  });

  it('believes of damage only what it sees', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const [whole, unknown] = [createPack(account.vault, 1, 1), createPack(account.vault, 1, 1)];
    const first = await storeSnapshot(custody, account, { packs: [whole] });
    expect(await custody.reportDamage(account.vault, whole.id)).toEqual(new Uint8Array(0));
    expect(await custody.reportDamage(account.vault, unknown.id)).toEqual(new Uint8Array(unknown.id));
    expect(await custody.lostPacks(account.vault)).toEqual(new Uint8Array(0));
    expect(await custody.referablePacks(account.vault)).toEqual(new Uint8Array(whole.id));
    expect(await custody.audit(account.vault)).toEqual([]);
    await storeSnapshot(custody, account, { parent: first });
  });

  it('makes a condemned pack live again when a commit needs it, and takes a purged one anew', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    const pack = createPack(account.vault, 1, 1);
    const first = await storeSnapshot(custody, account, { packs: [pack] });
    await storeSnapshot(custody, account);
    await custody.trash(account.vault, [first.seq]);
    await custody.collect(account.vault, { trashDays: 0 });
    const revived = await storeSnapshot(custody, account, { packs: [pack] });
    expect((await custody.usage(account.vault)).condemnedBytes).toBe(0);
    await custody.trash(account.vault, [revived.seq]);
    await custody.collect(account.vault, { trashDays: 0, purgeDays: 0 });
    expect(await custody.referablePacks(account.vault)).toEqual(NONE);
    await storeSnapshot(custody, account, { packs: [pack] });
    expect(await custody.referablePacks(account.vault)).toEqual(pack.id);
  });

  it('protects packs of a session that has not committed yet', async () => {
    const account = createAccountFixture();
    await using keeper = await factory(account);
    const { custody } = keeper;
    await custody.openSession(account.vault);
    const pack = createPack(account.vault, 1, 1);
    await custody.putPack(account.vault, pack.id, pack.bytes);
    expect(await custody.collect(account.vault, { trashDays: 0, purgeDays: 0 })).toMatchObject({ purgedPacks: 0 });
    await storeSnapshot(custody, account, { packs: [pack] });
    expect(await custody.referablePacks(account.vault)).toEqual(pack.id);
  });
}
