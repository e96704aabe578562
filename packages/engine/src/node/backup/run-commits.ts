/**
 * The commits of a run: the last one, and checkpoints on the way to it. Each makes what it names count also in the caches
 * of the next run, which are written after it.
 */
import type { Head } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import type { WalkJournal } from '../journal/walk-journal.ts';
import type { Stands } from '../tree-cache/standing-records.ts';
import type { StreamCache } from '../tree-cache/stream-cache.ts';
import { type CommittedSnapshot, commitSnapshot, type SnapshotToCommit } from './commit-snapshot.ts';
import { OnceMore, refusedAsOnceMore } from './once-more.ts';
import type { BackupOptions, WriterSession } from './options.ts';
import { RefsetInHand } from './refset-in-hand.ts';
import type { RunCounters } from './run-counters.ts';
import { storeSessionObjects } from './session-objects.ts';
import type { Storing } from './storing.ts';
import type { TreeWalk } from './tree-walk.ts';
import type { UsedPacks } from './used-packs.ts';

type CacheHead = Parameters<StreamCache['complete']>[0];

interface CommitsOf {
  readonly options: BackupOptions;
  readonly cache: StreamCache;
  readonly journal: WalkJournal;
  readonly walk: TreeWalk;
  readonly used: UsedPacks;
  readonly counters: RunCounters;
  /** Unix nanoseconds. */
  readonly start: bigint;
}

interface PacksToCommit {
  readonly stored: readonly IndexedPack[];
  readonly adopted: readonly IndexedPack[];
  /** Whether the tree has everything that was counted. */
  readonly hasAll: boolean;
}

export class RunCommits {
  readonly #of: CommitsOf;
  readonly #refset: RefsetInHand;
  #session: WriterSession | undefined;
  #last: Extract<CommittedSnapshot, { kind: 'committed' }> | undefined;

  constructor(of: CommitsOf) {
    const { options, cache } = of;
    this.#of = of;
    this.#refset = new RefsetInHand(options.custody, options.keys.vaultId, cache.head);
  }

  /** The last commit that was made; undefined before the first. */
  get last(): Extract<CommittedSnapshot, { kind: 'committed' }> | undefined {
    return this.#last;
  }

  async openSession(): Promise<WriterSession> {
    this.#session ??= await this.#of.options.nextSession();
    return this.#session;
  }

  /** The same tree and the same packs as last time, under a new date. */
  async commitUnchanged(): Promise<void> {
    const { options, cache, counters, journal, walk } = this.#of;
    const head = cache.head!;
    const { custody, keys } = options;
    // A repository that was put back to an older state does not have what this is about to refer to.
    if ((await custody.head(keys.vaultId)).seq < head.commitSeq) throw new OnceMore(new Uint8Array(0));
    const session = await this.openSession();
    await storeSessionObjects(custody, keys.vaultId, session);
    const committed = await refusedAsOnceMore(
      this.#commitSnapshot({
        kind: 'complete',
        rootTree: walk.rootTree,
        packs: [],
        refsetDigest: head.refsetDigest,
        refset: this.#refset.unchanged,
        stats: this.#stats,
      }),
    );
    cache.unchanged(this.#cacheHead(committed.head, head));
    journal.keep(committed, head.rootTree, counters);
  }

  /** Commits everything stored so far. */
  async commit(
    storing: Storing,
    tree: { readonly kind: 'complete' | 'checkpoint'; readonly rootTree: Uint8Array },
    next: 'more' | 'nothing',
  ): Promise<void> {
    const { cache, counters, journal, used } = this.#of;
    const { kind, rootTree } = tree;
    await storing.seal(next);
    const adopted = storing.adopted(kind === 'complete' ? used : 'all');
    // While packs are being written. Nothing reads it before the end of this.
    cache.resolve((record) => storing.known.packOf(record));
    const stored = await storing.durable();
    const { head, cacheHead } = await this.#commitPacks(storing, tree, { stored, adopted, hasAll: true });
    // In this order: numbers of packs in the trees must never be ahead of the table that explains them.
    storing.settle(head);
    if (kind === 'complete') {
      cache.complete(cacheHead);
      journal.keep(this.#last!, rootTree, counters);
    } else cache.keepPart(cacheHead);
  }

  /**
   * Commits a checkpoint of what is durable by now, without waiting for what is on its way: files of which a part is not
   * stored are left out. Workers may go on meanwhile.
   */
  async commitSoFar(storing: Storing): Promise<void> {
    const { cache, walk } = this.#of;
    const stands: Stands = (place) => storing.stands(place);
    const trees = walk.whatStands(cache.unresolved(), stands);
    const rootTree = walk.storePartial(trees);
    storing.trees.finish();
    cache.resolve((record) => storing.known.packOf(record), stands);
    const adopted = storing.adopted('all');
    const stored = await storing.durableSoFar();
    const packs = { stored, adopted, hasAll: false };
    const { cacheHead } = await this.#commitPacks(storing, { kind: 'checkpoint', rootTree }, packs);
    // In this order, as above.
    storing.settleSoFar();
    cache.keepPart(cacheHead);
  }

  async #commitPacks(
    storing: Storing,
    { kind, rootTree }: Pick<SnapshotToCommit, 'kind' | 'rootTree'>,
    packs: PacksToCommit,
  ): Promise<{ readonly head: Head; readonly cacheHead: CacheHead }> {
    const { known } = storing;
    await this.openSession();
    await storing.uploads.storeSession();
    const used = [...this.#of.used].map((pack) => known.packId(pack));
    const refset = await this.#refset.with(
      [...used, ...packs.adopted.map(({ packId }) => packId)],
      packs.stored.map(({ packId }) => packId),
    );
    const { head } = await this.#commitSnapshot({
      kind,
      rootTree,
      packs: [...packs.adopted, ...packs.stored],
      refsetDigest: refset.digest,
      refset: refset.delta,
      stats: packs.hasAll ? this.#stats : undefined,
    });
    this.#refset.committed(head.seq);
    const { numbering } = known;
    return { head, cacheHead: this.#cacheHead(head, { rootTree, refsetDigest: refset.digest, numbering }) };
  }

  async #commitSnapshot(
    snapshot: Omit<SnapshotToCommit, 'start' | 'unreadable'>,
  ): Promise<Extract<CommittedSnapshot, { kind: 'committed' }>> {
    const { options, counters, start } = this.#of;
    const result = await commitSnapshot(options, await this.openSession(), {
      ...snapshot,
      start,
      unreadable: counters.unreadable,
    });
    if (result.kind === 'missing-packs') throw new OnceMore(result.packs);
    this.#last = result;
    counters.bytesWritten += result.objectBytes;
    return result;
  }

  #cacheHead(
    head: Head,
    { rootTree, refsetDigest, numbering }: Pick<CacheHead, 'rootTree' | 'refsetDigest' | 'numbering'>,
  ): CacheHead {
    const { options, counters } = this.#of;
    return {
      commitSeq: head.seq,
      vaultId: options.keys.vaultId,
      streamId: options.stream,
      rootTree,
      refsetDigest,
      files: counters.files,
      bytes: counters.bytes,
      numbering,
    };
  }

  get #stats(): SnapshotToCommit['stats'] {
    const { files, directories, otherEntries, bytes } = this.#of.counters;
    return { files, directories, other: otherEntries, bytes };
  }
}
