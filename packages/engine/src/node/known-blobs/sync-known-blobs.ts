/**
 * Brings the cache of known blobs up to the vault's head: adds the blobs of commits it has not seen. A device
 * deduplicates only against what itself stored (security.md §3.4 P1), so only its own commits count.
 */
import { equalBytes, freeBytes } from '@keephold/bytes';
import { objectName, sha256, verifyStrict } from '@keephold/crypto';
import {
  type Custody,
  checkPackIdList,
  commitHashInput,
  commitSigningInput,
  containsPackId,
  MalformedRecordError,
  type ParsedCommit,
  packsDigestInput,
  parseCommit,
  sortPackIds,
} from '@keephold/protocol';
import { DamagedError } from '../../errors.ts';
import type { IndexedPack } from '../../index-object.ts';
import type { WriterKeys } from '../backup/options.ts';
import { openIndexObject } from '../sealed-index.ts';
import { KnownBlobStore } from './known-blob-store.ts';

export interface SyncOptions {
  readonly custody: Custody;
  readonly keys: WriterKeys;
  /** Ed25519, 32 bytes. */
  readonly devicePublicKey: Uint8Array;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Opens the cache and adds what is new; starts afresh when it belongs to another history. */
export async function openKnownBlobs(options: SyncOptions): Promise<KnownBlobStore> {
  const { custody, keys, folder } = options;
  const head = await custody.head(keys.vaultId);
  const start = { seq: 0, hash: new Uint8Array(32) };
  let store = KnownBlobStore.open(folder, start);
  if (
    store.covered.seq > head.seq ||
    (store.covered.seq === head.seq && head.seq > 0 && !equalBytes(store.covered.hash, head.hash))
  ) {
    store.close();
    store = KnownBlobStore.empty(folder, start);
  }
  if (!(await addCommits(options, store))) {
    store.close();
    store = KnownBlobStore.empty(folder, start);
    await addCommits(options, store);
  }
  if (store.covered.seq < head.seq) store.settle(head);
  return store;
}

/** Tells which packs the keeper no longer has, or says it misses: their blobs must be stored again. */
export async function goneFrom(
  custody: Custody,
  keys: Pick<WriterKeys, 'vaultId'>,
  isMissing: (packId: Uint8Array) => boolean,
): Promise<(packId: Uint8Array) => boolean> {
  const referable = await custody.referablePacks(keys.vaultId);
  checkPackIdList(referable);
  return (id) => !containsPackId(referable, id) || isMissing(id);
}

/**
 * False when the cache is not of this history: the commit after the covered one does not follow it. What is damaged is
 * passed over: blobs that only it tells of are stored again, which heals.
 */
async function addCommits(options: SyncOptions, store: KnownBlobStore): Promise<boolean> {
  let previous = store.covered.seq === 0 ? undefined : store.covered.hash;
  for await (const { bytes } of options.custody.commits(options.keys.vaultId, store.covered.seq)) {
    options.signal.throwIfAborted();
    const parsed = parsedOrDamaged(bytes);
    if (parsed !== undefined && previous !== undefined && !equalBytes(parsed.commit.prevHash, previous)) return false;
    previous = parsed === undefined ? undefined : sha256(...commitHashInput(bytes));
    if (parsed !== undefined) await addCommit(options, store, parsed);
  }
  return true;
}

function parsedOrDamaged(bytes: Uint8Array): ParsedCommit | undefined {
  try {
    return parseCommit(bytes);
  } catch (error) {
    if (error instanceof MalformedRecordError) return undefined;
    throw error;
  }
}

async function addCommit(options: SyncOptions, store: KnownBlobStore, parsed: ParsedCommit): Promise<void> {
  const { commit } = parsed;
  if (
    !('indexObjects' in commit) ||
    commit.deviceId === undefined ||
    !equalBytes(commit.deviceId, options.keys.deviceId)
  )
    return;
  if (commit.indexObjects.length === 0) return;
  const signature = {
    publicKey: options.devicePublicKey,
    message: commitSigningInput(parsed.body),
    signature: parsed.signature,
  };
  if (!verifyStrict(signature)) return;
  const objects = await options.custody.getObjects(options.keys.vaultId, commit.indexObjects);
  const packs: IndexedPack[] = [];
  for (const [i, name] of commit.indexObjects.entries()) {
    const object = objects[i];
    // An object that is gone was superseded, and its packs are listed again by the one that replaced it, or all its
    // packs are gone: nothing to deduplicate against either way.
    // Bytes that are not those of the name are as good as none.
    if (object === undefined || !equalBytes(objectName(object), name)) return;
    packs.push(...(await openIndexObject(object, options.keys)));
  }
  const digest = sha256(...packsDigestInput(sortPackIds(packs.map((pack) => pack.packId))));
  if (!equalBytes(digest, commit.packsDigest))
    throw new DamagedError(`read index: packs of commit ${commit.seq} are not those it signed`);
  for (const { packId, contents } of packs) {
    store.addCommitted(packId, contents.blobs);
    freeBytes(contents.blobs);
  }
}
