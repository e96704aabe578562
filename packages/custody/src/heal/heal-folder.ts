/**
 * Takes what is missing or damaged in a repository folder from another copy of it, file by file, each proven by its hash
 * or signature. No key is needed. Order: what says what there should be, then objects, then packs; whatever was taken
 * when it stops stays taken, and running it again goes on.
 */
import { FolderBackend } from '@keephold/backend';
import { equalBytes, fromHex } from '@keephold/bytes';
import {
  type AccountId,
  type ChainPin,
  CustodyError,
  type ObjectName,
  type PackId,
  packIdAt,
  packIdCount,
  type VaultId,
} from '@keephold/protocol';
import { asCustodyError } from '../custody-failure.ts';
import { MARKER, objectName, packName } from '../layout.ts';
import { encodeMarker } from '../marker.ts';
import { type FolderSide, openCopy, openSide, vaultsOf } from './folder-side.ts';
import { healKeyrings } from './heal-keyrings.ts';
import { healChain, healKeychain, healWaysIn, requireSeenKeychain, takeByHash } from './heal-records.ts';
import { isPack, lostPacks, packArea, setAsideDamaged } from './lost-packs.ts';
import { putBackPack } from './put-back-pack.ts';

export interface HealFolderOptions {
  /** The folder of the other copy; only read. */
  readonly from: string;
  /** Read every pack here first, to find those that are damaged. */
  readonly readPacks: boolean;
  /** What this machine has seen of the account: a copy with another history is refused, however sound it is. */
  readonly seen?: (account: AccountId) => SeenHistory;
  /** Whether a keyring opens; undefined: there is no password to try. */
  readonly opensKeyring?: (sealed: Uint8Array) => Promise<boolean | undefined>;
  readonly signal: AbortSignal;
}

export interface SeenHistory {
  readonly keychain: readonly ChainPin[];
  /** Of the only vault of an embedded repository. */
  readonly commits: readonly ChainPin[];
}

export interface HealFolderReport {
  /** Files of the account, commits and keeper's records. */
  readonly records: number;
  readonly objects: number;
  readonly packs: number;
  readonly bytes: number;
  /** Keyrings of which the copy has others, and nobody could tell which are sound. */
  readonly doubtful: number;
  /** Packs that snapshots need and that neither copy has whole. */
  readonly lostPacks: number;
}

/** @throws CustodyError 'refused' when the copy is of another repository or another history. */
export async function healRepositoryFolder(path: string, options: HealFolderOptions): Promise<HealFolderReport> {
  try {
    const there = await openCopy(options.from);
    const here = await openHere(path, there);
    try {
      return await heal(here, there, options);
    } finally {
      await here.ledger.close();
    }
  } catch (error) {
    throw asCustodyError(error);
  }
}

type Copy = Omit<FolderSide, 'ledger'>;

/** A folder whose marker and first keychain entry are both lost takes its marker from the copy. */
async function openHere(path: string, there: Copy): Promise<FolderSide> {
  const accountThere = await there.account.accountId();
  let here: FolderSide;
  try {
    here = await openSide(path);
  } catch (error) {
    if (!(error instanceof CustodyError) || error.code === 'newer-version') throw error;
    await new FolderBackend({ path }).put(MARKER, encodeMarker(there.marker));
    here = await openSide(path);
  }
  if (!equalBytes(await here.account.accountId(), accountThere)) {
    throw new CustodyError('refused', `heal from ${there.path}: it is another repository`);
  }
  return here;
}

async function heal(here: FolderSide, there: Copy, options: HealFolderOptions): Promise<HealFolderReport> {
  const keychain = await there.account.keychainState();
  const seen = options.seen?.(await there.account.accountId()) ?? { keychain: [], commits: [] };
  requireSeenKeychain(keychain, seen.keychain);
  let records = await healKeychain(here, await there.account.keychain(0));
  records += await healWaysIn(here, there, keychain);
  const keyrings = await healKeyrings(here, there, options);
  records += keyrings.taken;
  let [objects, packs, bytes, lost] = [0, 0, 0, 0];
  for (const vault of await vaultsOf(there)) {
    const chain = await healChain(here, there, { vault, keychain, seen: seen.commits });
    records += chain.commits + chain.records;
    for (const hex of chain.objects) {
      options.signal.throwIfAborted();
      const hash = fromHex(hex) as ObjectName;
      if (await takeByHash(here, there, { name: objectName(vault, hash), hash })) objects++;
    }
    await here.ledger.rebuild(vault);
    if (options.readPacks) await findDamaged(here, vault, options.signal);
    const healed = await healPacks(here, there, { vault, signal: options.signal });
    packs += healed.packs;
    bytes += healed.bytes;
    lost += packIdCount(await lostPacks(here, vault));
  }
  return { records, objects, packs, bytes, doubtful: keyrings.doubtful, lostPacks: lost };
}

/** Reads every pack that snapshots may need. */
async function findDamaged(here: FolderSide, vault: VaultId, signal: AbortSignal): Promise<void> {
  const live = await here.ledger.read(vault, async ({ packs }) => await packs.ids((state) => state === 'live'));
  for (let i = 0; i < packIdCount(live); i++) {
    signal.throwIfAborted();
    await setAsideDamaged({ backend: here.folder, ledger: here.ledger }, vault, packIdAt(live, i));
  }
}

interface PackHealing {
  readonly vault: VaultId;
  readonly signal: AbortSignal;
}

async function healPacks(
  here: FolderSide,
  there: Copy,
  { vault, signal }: PackHealing,
): Promise<{ readonly packs: number; readonly bytes: number }> {
  const wanted = await lostPacks(here, vault);
  const area = packArea();
  let [packs, bytes] = [0, 0];
  for (let i = 0; i < packIdCount(wanted); i++) {
    signal.throwIfAborted();
    const id = new Uint8Array(packIdAt(wanted, i)) as Uint8Array as PackId;
    const found = await there.backend.get(packName(vault, id), { into: area });
    if (found === undefined || !isPack(id, found)) continue;
    await putBackPack(here, vault, { id, bytes: found });
    packs++;
    bytes += found.length;
  }
  return { packs, bytes };
}
