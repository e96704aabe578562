/**
 * Brings the cache of known blobs up to the vault's head: adds the blobs of commits it has not seen. A device
 * deduplicates only against what itself stored and what devices did that the owner told it to trust (security.md §3.4
 * P1). Commits of those count only as part of the very history that ends in the head: their keys may be lost.
 */
import { equalBytes, freeBytes } from '@keephold/bytes';
import { objectName, sha256, verifyStrict } from '@keephold/crypto';
import {
  type Custody,
  checkPackIdList,
  commitHashInput,
  commitSigningInput,
  containsPackId,
  type DedupAuthor,
  type Head,
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
import { isKnownOf, writeKnownAuthors } from './known-authors.ts';
import { KnownBlobStore } from './known-blob-store.ts';

export interface SyncOptions {
  readonly custody: Custody;
  readonly keys: WriterKeys;
  /** Ed25519, 32 bytes. */
  readonly devicePublicKey: Uint8Array;
  /** Other devices whose blobs count; asked once the head is known. */
  readonly trusted: () => readonly DedupAuthor[];
  readonly folder: string;
  readonly signal: AbortSignal;
}

interface SyncedHistory extends Omit<SyncOptions, 'trusted'> {
  readonly trusted: readonly DedupAuthor[];
  /** Verified. */
  readonly head: Head;
}

/** Opens the cache and adds what is new; starts afresh when it belongs to another history. */
export async function openKnownBlobs(options: SyncOptions): Promise<KnownBlobStore> {
  const { custody, keys, folder } = options;
  const head = await custody.head(keys.vaultId);
  const trusted = options.trusted();
  const history = { ...options, trusted, head };
  const start = { seq: 0, hash: new Uint8Array(32) };
  // What is covered is covered for these authors only.
  const isOfOthers = !isKnownOf(folder, trusted);
  let store = isOfOthers ? KnownBlobStore.empty(folder, start) : KnownBlobStore.open(folder, start);
  if (isOfOthers) writeKnownAuthors(folder, trusted);
  if (
    store.covered.seq > head.seq ||
    (store.covered.seq === head.seq && head.seq > 0 && !equalBytes(store.covered.hash, head.hash))
  ) {
    store.close();
    store = KnownBlobStore.empty(folder, start);
  }
  if (!(await addCommits(history, store))) {
    store.close();
    store = KnownBlobStore.empty(folder, start);
    await addCommits(history, store);
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
async function addCommits(history: SyncedHistory, store: KnownBlobStore): Promise<boolean> {
  const { custody, keys, head, signal } = history;
  const own = { deviceId: keys.deviceId, signingKey: history.devicePublicKey };
  const ofTrusted: PackList[] = [];
  let previous = store.covered.seq === 0 ? undefined : store.covered.hash;
  let isWhole = true;
  for await (const { bytes } of custody.commits(keys.vaultId, store.covered.seq)) {
    signal.throwIfAborted();
    const parsed = parsedOrDamaged(bytes);
    if (parsed !== undefined && previous !== undefined && !equalBytes(parsed.commit.prevHash, previous)) return false;
    previous = parsed === undefined ? undefined : sha256(...commitHashInput(bytes));
    if (parsed === undefined) isWhole = false;
    else {
      const packs = packListBy(parsed, own);
      if (packs !== undefined) await addPacks(history, store, packs);
      else
        ofTrusted.push(
          ...history.trusted.map((author) => packListBy(parsed, author)).filter((list) => list !== undefined),
        );
    }
    if (parsed?.commit.seq === head.seq) break;
  }
  const endsInHead = previous !== undefined && equalBytes(previous, head.hash);
  if (isWhole && endsInHead) for (const packs of ofTrusted) await addPacks(history, store, packs);
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

type PackList = Pick<AddsPacks, 'seq' | 'indexObjects' | 'packsDigest'>;
type AddsPacks = Extract<ParsedCommit['commit'], { readonly indexObjects: unknown }>;

/** Undefined when the commit is not by this author, or names no packs. */
function packListBy({ commit, body, signature }: ParsedCommit, author: DedupAuthor): PackList | undefined {
  if (!('indexObjects' in commit) || !equalBytes(commit.deviceId, author.deviceId)) return undefined;
  if (commit.indexObjects.length === 0) return undefined;
  const { seq, indexObjects, packsDigest } = commit;
  const isSigned = verifyStrict({ publicKey: author.signingKey, message: commitSigningInput(body), signature });
  return isSigned ? { seq, indexObjects, packsDigest } : undefined;
}

async function addPacks(options: SyncedHistory, store: KnownBlobStore, commit: PackList): Promise<void> {
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
