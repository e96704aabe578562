/**
 * Reclaiming space (security.md §6.5), in an order in which any step may be the last: expiry, condemning and purging
 * are decided and recorded in one transaction, the chain first; then bytes go, in the reverse of the order in which they
 * were written; then the ledger forgets them. What a crash leaves half done is in state purging and finished next time.
 *
 * Backups go on meanwhile: whatever reads many files is done without the lock, and what was found is checked again under
 * it; deleting takes the lock for a few files at a time and gives way in between.
 */
import {
  type CollectOptions,
  CustodyError,
  type ObjectName,
  type PackId,
  type PackIdList,
  type PurgeReport,
  packIdAt,
  packIdCount,
  unionPackIds,
  type VaultId,
  vaultRecord,
} from '@keephold/protocol';
import { objectName, packName } from '../layout.ts';
import { NO_PACKS } from '../ledger/apply-commit.ts';
import { giveWay } from '../ledger/give-way.ts';
import { findPack, listPacks, type PackListing, reconcilePacks } from '../ledger/reconcile-packs.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import { ledgerTime, type VaultTransaction, vaultRow } from '../ledger/vault-transaction.ts';
import { DAY, type FoundPack, mayDelete } from '../pack-state.ts';
import { removeOrphanParity } from '../parity/orphan-parity.ts';
import { isKeptCommit } from '../snapshot-state.ts';
import { isPausedByClock } from './clock-pause.ts';
import {
  type CollectionDelays,
  type CollectionPlan,
  type CollectionTime,
  neededAt,
  planCollection,
} from './collection-plan.ts';
import { deadObjects } from './dead-objects.ts';
import { standingHold } from './hold.ts';
import { mayDecide } from './hold-state.ts';
import { appendEvent, type SigningKeeper } from './keeper-event.ts';
import { type NeededPacks, NOTHING_NEEDED } from './needed-packs.ts';
import { removeOrphans } from './orphans.ts';
import { removeUnneededDamaged } from './unneeded-damaged.ts';

/** G: far longer than a writer may hold on to what it saw (security.md §6.5). */
const PURGE_DAYS = 7;
/** Keeps an event a record of some hundred kilobytes. */
const PACKS_PER_EVENT = 4096;
/** Few enough that whoever waits for the lock waits for some milliseconds. */
const DELETES_AT_ONCE = 32;

export interface FolderCollectOptions extends CollectOptions {
  /** The owner has looked at the date: no pause after a jump of the clock. */
  readonly dateConfirmed?: boolean;
}

export interface FolderPurgeReport extends PurgeReport {
  readonly paused: Pause | undefined;
}

type Pause = Exclude<PurgeReport['paused'], undefined>;

const NOTHING: Omit<FolderPurgeReport, 'paused'> = {
  condemned: 0,
  condemnedBytes: 0,
  purgedPacks: 0,
  purgedBytes: 0,
  purgedObjects: 0,
  expiredSnapshots: 0,
};

export async function collectVault(
  keeper: SigningKeeper,
  vault: VaultId,
  options: FolderCollectOptions,
): Promise<FolderPurgeReport> {
  const delays = await delaysOf(keeper, vault, options);
  const looking = { ...options, delays };
  options.signal?.throwIfAborted();
  if (!mayDecide(await isHeld(keeper, vault))) return reportOf('hold', []);
  if (options.dryRun === true) return await foresee(keeper, vault, looking);
  // A file a snapshot and a listing of all packs: read before the lock is taken.
  const looked = await keeper.ledger.read(vault, async (transaction) => await look(keeper, transaction, looking));
  const known = looked?.needed;
  const listing = known === undefined ? undefined : await listPacks(keeper.backend, vault);
  options.signal?.throwIfAborted();
  const decision = await keeper.ledger.write(vault, async (transaction): Promise<CollectionPlan | Pause> => {
    // Once more: holds are set under this lock, and whoever has set one relies on it.
    if (!mayDecide(await isHeld(keeper, vault))) return 'hold';
    const now = await ledgerTime(keeper.clock, transaction);
    const decided = known && listing && (await decide(keeper, transaction, { delays, now, known, listing }));
    await transaction.ledger.saveVault({ ...(await vaultRow(transaction)), time: now });
    await transaction.ledger.use(now, DAY);
    if (decided !== undefined) await record(keeper, transaction, decided);
    return decided ?? 'clock-jump';
  });
  if (decision === 'hold') return reportOf(decision, []);
  const plan = decision === 'clock-jump' ? undefined : decision;
  const deaths = await keeper.ledger.read(vault, async (transaction) => await deathsOf(transaction, plan, delays));
  if (plan !== undefined) await deleteObjects(keeper, vault, deaths.objects, options.signal);
  await deletePacks(keeper, vault, deaths.purge, options.signal);
  if (plan === undefined) return reportOf('clock-jump', deaths.objects);
  await removeUnneededDamaged(keeper, vault, plan.needed);
  // What a commit names that cannot be read is not known.
  if (plan.rows.some((row) => row.kind === 'lost' && isKeptCommit(row))) return reportOf(plan, deaths.objects);
  await removeOrphans(keeper, vault, plan);
  await removeOrphanParity(keeper, vault);
  return reportOf(plan, deaths.objects);
}

interface LookingOptions extends FolderCollectOptions {
  readonly delays: CollectionDelays;
}

/** What `collectVault` would do. */
async function foresee(keeper: SigningKeeper, vault: VaultId, options: LookingOptions): Promise<FolderPurgeReport> {
  return await keeper.ledger.read(vault, async (transaction) => {
    const looked = await look(keeper, transaction, options);
    const plan = looked && (await planCollection(transaction, looked.rows, { ...looked, delays: options.delays }));
    return reportOf(plan ?? 'clock-jump', (await deathsOf(transaction, plan, options.delays)).objects);
  });
}

async function isHeld(keeper: SigningKeeper, vault: VaultId): Promise<boolean> {
  return (await standingHold(keeper, vault)) !== undefined;
}

interface Looked {
  readonly now: number;
  readonly rows: readonly CommitRow[];
  readonly needed: NeededPacks;
}

/** The packs that are needed. Undefined: the clock has jumped and nobody has confirmed it. */
async function look(
  { clock }: SigningKeeper,
  transaction: VaultTransaction,
  { delays, dateConfirmed }: LookingOptions,
): Promise<Looked | undefined> {
  const now = await ledgerTime(clock, transaction);
  if (dateConfirmed !== true && isPausedByClock(await transaction.ledger.uses(), now)) return undefined;
  const rows = await transaction.ledger.commits();
  return { now, rows, needed: await neededAt(transaction, rows, { now, delays, known: NOTHING_NEEDED }) };
}

/** Under the lock: what was seen without it is completed by what has changed since. */
async function decide(
  { backend }: SigningKeeper,
  transaction: VaultTransaction,
  { known, listing, ...time }: CollectionTime & { readonly known: NeededPacks; readonly listing: PackListing },
): Promise<CollectionPlan> {
  const rows = await transaction.ledger.commits();
  const needed = await neededAt(transaction, rows, { ...time, known });
  const lookAgain = async (id: PackId): Promise<FoundPack | undefined> =>
    await findPack(backend, transaction.vault, id);
  await reconcilePacks(transaction, { listing, now: time.now, lookAgain });
  return await planCollection(transaction, rows, { ...time, needed });
}

/** What may be deleted now, what an earlier collection left included. */
async function deathsOf(
  transaction: VaultTransaction,
  plan: CollectionPlan | undefined,
  delays: CollectionDelays,
): Promise<{ readonly objects: readonly ObjectName[]; readonly purge: PackIdList }> {
  const left = await transaction.packs.ids((state) => state === 'purging');
  if (plan === undefined) return { objects: [], purge: left };
  const purge = unionPackIds(left, plan.purge);
  const deaths = { rows: plan.rows, gone: plan.gone, purge, supersededBefore: plan.now - delays.purge };
  return { objects: await deadObjects(transaction, deaths), purge };
}

async function delaysOf(
  keeper: SigningKeeper,
  vault: VaultId,
  { trashDays, purgeDays = PURGE_DAYS }: FolderCollectOptions,
): Promise<CollectionDelays> {
  const days = trashDays ?? vaultRecord(await keeper.account.keychainState(), vault).policy.trashDays;
  if (!(days >= 0 && purgeDays >= 0)) throw new CustodyError('refused', `collect: ${days} and ${purgeDays} days`);
  return { trash: days * DAY, purge: purgeDays * DAY };
}

async function record(keeper: SigningKeeper, transaction: VaultTransaction, plan: CollectionPlan): Promise<void> {
  const { now: at, expire, gone, purge, changed } = plan;
  if (expire.length > 0) {
    await appendEvent(keeper, transaction, { event: 'expired', snapshots: expire, packs: NO_PACKS, at });
  }
  for (const { id, entry } of changed) await transaction.packs.set(id, entry);
  const parts = chunks(purge);
  if (parts.length === 0 && gone.length > 0) parts.push(NO_PACKS);
  for (const [index, packs] of parts.entries()) {
    await appendEvent(keeper, transaction, { event: 'purged', snapshots: index === 0 ? gone : [], packs, at });
  }
}

function chunks(packs: PackIdList): PackIdList[] {
  const parts: PackIdList[] = [];
  const length = PACKS_PER_EVENT * 32;
  for (let at = 0; at < packs.length; at += length) parts.push(packs.subarray(at, at + length));
  return parts;
}

/**
 * Bytes go under the write lock, some at a time: nobody can put a pack again between the look at its state and the
 * deletion, also when two collections run.
 */
async function deleteObjects(
  { backend, ledger }: SigningKeeper,
  vault: VaultId,
  names: readonly ObjectName[],
  signal?: AbortSignal,
): Promise<void> {
  for (let at = 0; at < names.length; at += DELETES_AT_ONCE) {
    signal?.throwIfAborted();
    if (at > 0) await giveWay();
    const batch = names.slice(at, at + DELETES_AT_ONCE);
    await ledger.write(vault, async (transaction) => {
      await Promise.all(batch.map(async (name) => await backend.delete(objectName(vault, name))));
      for (const name of batch) await transaction.ledger.forgetObject(name);
    });
  }
}

async function deletePacks(
  { backend, ledger }: SigningKeeper,
  vault: VaultId,
  ids: PackIdList,
  signal?: AbortSignal,
): Promise<void> {
  for (let at = 0; at < packIdCount(ids); at += DELETES_AT_ONCE) {
    signal?.throwIfAborted();
    if (at > 0) await giveWay();
    const count = Math.min(DELETES_AT_ONCE, packIdCount(ids) - at);
    const batch = Array.from({ length: count }, (_, index) => packIdAt(ids, at + index));
    await ledger.write(vault, async ({ packs }) => {
      const entries = await Promise.all(batch.map(async (id) => await packs.get(id)));
      const going = batch.filter((_, index) => mayDelete(entries[index]));
      await Promise.all(going.map(async (id) => await backend.delete(packName(vault, id))));
      for (const id of going) await packs.remove(id);
    });
  }
}

function reportOf(plan: CollectionPlan | Pause, objects: readonly ObjectName[]): FolderPurgeReport {
  if (typeof plan === 'string') return { ...NOTHING, paused: plan };
  return {
    condemned: plan.condemned,
    condemnedBytes: plan.condemnedBytes,
    purgedPacks: packIdCount(plan.purge),
    purgedBytes: plan.purgeBytes,
    purgedObjects: objects.length,
    expiredSnapshots: plan.expire.length,
    paused: undefined,
  };
}
