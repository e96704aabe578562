/**
 * Account records, commits and keeper's records from another copy of the repository. Everything is proven before it is
 * taken: entries and commits by their signatures and by what follows them, the rest by hashes that those sign. Where
 * both copies have something right and different they are two histories, and nothing is touched.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  activeSlots,
  advanceKeychain,
  type ChainPin,
  CustodyError,
  type KeychainState,
  startKeychain,
  type VaultId,
  vaultRecord,
} from '@keephold/protocol';
import { isNextEntry } from '../account/keychain-copy.ts';
import { verifier } from '../account/verifier.ts';
import { ChainStore } from '../chain/chain-store.ts';
import { GRANTS, keychainEntryName, slotName } from '../layout.ts';
import { objectsOf } from '../ledger/apply-commit.ts';
import { isSignedCommit, soundCommits } from '../ledger/sound-commits.ts';
import type { FolderSide } from './folder-side.ts';

type Side = Pick<FolderSide, 'backend'>;

/** The copy may be sound in itself and still be of somebody else, or older lies: what a machine has seen decides. */
export function requireSeenKeychain({ seq, entryHashes }: KeychainState, seen: readonly ChainPin[]): void {
  for (const pin of seen) {
    const hash = entryHashes[pin.seq];
    if (pin.seq <= seq && (hash === undefined || !equalBytes(hash, pin.hash))) {
      throw new CustodyError(
        'refused',
        `heal from a copy: its keychain entry ${pin.seq} is not the one this machine has seen`,
      );
    }
  }
}

/** Answers how many entries were taken. */
export async function healKeychain(here: Side, entries: readonly Uint8Array[]): Promise<number> {
  let state: KeychainState | undefined;
  let taken = 0;
  for (const [seq, entry] of entries.entries()) {
    const name = keychainEntryName(seq);
    const own = await here.backend.get(name);
    if (own === undefined || !equalBytes(own, entry)) {
      if (own !== undefined && isNextEntry(state, own)) throw otherHistory(`keychain entry ${seq}`);
      await here.backend.put(name, entry);
      taken++;
    }
    state = state === undefined ? startKeychain(entry, verifier) : advanceKeychain(state, entry, verifier);
  }
  return taken;
}

/** Ways in whose hash the keychain has, and grants by their names. */
export async function healWaysIn(here: Side, there: Side, keychain: KeychainState): Promise<number> {
  let taken = 0;
  for (const { slotId, recordHash } of activeSlots(keychain)) {
    if (await takeByHash(here, there, { name: slotName(slotId), hash: recordHash })) taken++;
  }
  for await (const { name } of there.backend.list(GRANTS)) {
    const hash = Buffer.from(name.slice(name.lastIndexOf('/') + 1), 'hex');
    if (await takeByHash(here, there, { name, hash })) taken++;
  }
  return taken;
}

/** Takes a file whose bytes must have the hash, unless it is in order here. */
export async function takeByHash(
  here: Side,
  there: Side,
  { name, hash }: { readonly name: string; readonly hash: Uint8Array },
): Promise<boolean> {
  const own = await here.backend.get(name);
  if (own !== undefined && equalBytes(sha256(own), hash)) return false;
  const other = await there.backend.get(name);
  if (other === undefined || !equalBytes(sha256(other), hash)) return false;
  await here.backend.put(name, other);
  return true;
}

export interface HealedChain {
  readonly commits: number;
  readonly records: number;
  /** Names of everything that commits name, as hex. */
  readonly objects: ReadonlySet<string>;
}

/** Each commit that is sound there, its record before it: a commit is never visible without. */
export async function healChain(here: Side, there: Side, options: HealChainOptions): Promise<HealedChain> {
  const { vault, keychain } = options;
  const [own, other] = [new ChainStore(here.backend, vault), new ChainStore(there.backend, vault)];
  const hash = vaultRecord(keychain, vault).createdHash;
  const stored = other.since(0, await other.last());
  const objects = new Set<string>();
  let [commits, records] = [0, 0];
  for await (const replayed of soundCommits(stored, { vault, keychain, seq: 0, hash })) {
    if (replayed.kind === 'lost') continue;
    const { seq, commit } = replayed;
    if (options.seen.some((pin) => pin.seq === seq && !equalBytes(pin.hash, replayed.hash)))
      throw otherHistory(`commit ${seq}`);
    const [bytes, mine] = [(await other.read(seq)) as Uint8Array, await own.read(seq)];
    const isSame = mine !== undefined && equalBytes(mine, bytes);
    if (!isSame && mine !== undefined && isSignedCommit({ seq, bytes: mine }, options))
      throw otherHistory(`commit ${seq}`);
    if (commit.kind !== 'keeper-event') {
      for (const { name } of objectsOf(commit)) objects.add(toHex(name));
      if (await takeRecord(own, other, { seq, hash: replayed.hash })) records++;
    }
    if (isSame) continue;
    await own.replace(seq, bytes);
    commits++;
  }
  return { commits, records, objects };
}

export interface HealChainOptions {
  /** Commits that this machine has seen. */
  readonly seen: readonly ChainPin[];
  readonly vault: VaultId;
  readonly keychain: KeychainState;
}

async function takeRecord(
  own: ChainStore,
  other: ChainStore,
  { seq, hash }: { readonly seq: number; readonly hash: Uint8Array },
): Promise<boolean> {
  const read = async (chain: ChainStore): ReturnType<ChainStore['readRecord']> => await chain.readRecord(seq, hash);
  const isHere = await read(own).then(
    () => true,
    () => false,
  );
  if (isHere) return false;
  try {
    await own.writeRecord(await read(other), hash);
    return true;
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'damaged') return false;
    throw error;
  }
}

function otherHistory(what: string): CustodyError {
  return new CustodyError(
    'refused',
    `heal from a copy: its ${what} is another than the one here: they are two histories`,
  );
}
