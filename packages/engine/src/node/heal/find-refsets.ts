/**
 * Finds out which packs snapshots need of which the keeper has lost the list: every blob that the trees reach, in the
 * packs that hold it. Where a blob stands in several packs nobody remembers which of them the writer meant; the digest
 * that it signed tells when the right ones are tried. Needs a reader, and believes no list that does not have the digest.
 */
import { equalBytes, freeBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import {
  containsPackId,
  EMPTY_PACK_ID_LIST,
  type PackIdList,
  refsetDigestInput,
  sortPackIds,
  unionPackIds,
} from '@keephold/protocol';
import type { Repository } from '../../reading/repository.ts';
import { PackCatalog } from '../check/pack-catalog.ts';
import { SnapshotWalk } from '../check/snapshot-walk.ts';

/** What a trial costs is a hash of the list. */
const HASHED_AT_MOST: number = 256 * 1024 * 1024;
const MOST_TRIALS = 4096;

export interface RefsetClues {
  /** The commit whose refset it is. */
  readonly seq: number;
  /** The snapshot that needs it. */
  readonly snapshot: number;
  /** Of the refset, as the commit signed it. */
  readonly digest: Uint8Array;
  /** What else is known of it. */
  readonly known: { readonly added: PackIdList; readonly removed: PackIdList } | undefined;
}

export interface RefsetSearchOptions {
  readonly repository: Pick<Repository, 'indexObjects' | 'unlistedPacks' | 'possiblePacks' | 'snapshot' | 'readBlob'>;
  readonly signal: AbortSignal;
}

export interface FoundRefset {
  readonly refset: PackIdList;
  /** Packs that the commit's index objects list; undefined when none is left of it. */
  readonly packs: PackIdList | undefined;
}

/** What a snapshot needs by its trees, as numbers of packs. */
interface Reached {
  readonly needed: ReadonlySet<number>;
  /** Packs that hold a blob which others hold too. */
  readonly among: readonly ReadonlySet<number>[];
}

/** A pass over the index when it is opened, one over the trees of a snapshot for each refset. */
export class RefsetSearch {
  readonly #options: RefsetSearchOptions;
  readonly #catalog = new PackCatalog();
  /** Packs by the commit that listed them. */
  readonly #listed = new Map<number, Uint8Array[]>();

  private constructor(options: RefsetSearchOptions) {
    this.#options = options;
  }

  static async open(options: RefsetSearchOptions): Promise<RefsetSearch> {
    const search = new RefsetSearch(options);
    await search.#loadIndex();
    await search.#loadUnlisted();
    return search;
  }

  /** Undefined when the snapshot cannot be read as a whole, or no list that was tried has the digest. */
  async find(clues: RefsetClues): Promise<FoundRefset | undefined> {
    const reached = await this.#reach(clues.snapshot);
    const refset = reached && this.#matching(reached, clues);
    if (refset === undefined) return undefined;
    const listed = this.#listed.get(clues.seq);
    return { refset, packs: listed && sortPackIds(listed) };
  }

  async #loadIndex(): Promise<void> {
    const { repository, signal } = this.#options;
    for await (const { packs, entry } of repository.indexObjects('all', { onDamage: () => undefined })) {
      signal.throwIfAborted();
      const listed = this.#listed.get(entry.seq) ?? [];
      this.#listed.set(entry.seq, listed);
      for (const pack of packs) {
        listed.push(pack.packId);
        this.#catalog.add(pack, entry.deviceId);
        freeBytes(pack.contents.blobs);
      }
    }
  }

  /** What no index lists may be needed all the same. */
  async #loadUnlisted(): Promise<void> {
    const { repository, signal } = this.#options;
    const packs = repository.unlistedPacks(await repository.possiblePacks(), {
      kind: 'all',
      onFailure: () => undefined,
    });
    for await (const { pack, author } of packs) {
      signal.throwIfAborted();
      this.#catalog.add(pack, author);
      freeBytes(pack.contents.blobs);
    }
  }

  async #reach(seq: number): Promise<Reached | undefined> {
    const { repository, signal } = this.#options;
    const catalog = this.#catalog;
    const needed = new Set<number>();
    const among = new Map<string, ReadonlySet<number>>();
    let isWhole = true;
    const blob = (id: Uint8Array): void => {
      const places: number[] = [];
      catalog.blobs.some(id, (pack) => places.push(pack) === 0);
      if (places.length === 0) isWhole = false;
      else if (places.length === 1) needed.add(places[0]!);
      else among.set(places.join(), new Set(places));
    };
    const walk = new SnapshotWalk({
      judge: { blob, unreadable: () => (isWhole = false) },
      kindOf: (id) => catalog.treeKindOf(id),
      readBlob: async (id, kind) => await repository.readBlob(id, kind),
      signal,
      onTree: () => undefined,
    });
    const { rootTree } = await repository.snapshot(`#${seq}`);
    await walk.walk(`#${seq}`, rootTree);
    return isWhole ? { needed, among: [...among.values()] } : undefined;
  }

  #matching({ needed, among }: Reached, { digest, known }: RefsetClues): PackIdList | undefined {
    const ids = (numbers: Iterable<number>): PackIdList =>
      sortPackIds([...numbers].map((number) => this.#catalog.records[number]!.packId));
    const certain = unionPackIds(ids(needed), known?.added ?? EMPTY_PACK_ID_LIST);
    const isOpen = (number: number): boolean => {
      const { packId } = this.#catalog.records[number]!;
      return !containsPackId(certain, packId) && !(known !== undefined && containsPackId(known.removed, packId));
    };
    const open = [...new Set(among.flatMap((packs) => [...packs]))].filter(isOpen).toSorted((a, b) => a - b);
    for (const chosen of trials(open, among, certain.length)) {
      const refset = unionPackIds(certain, ids(chosen));
      if (equalBytes(sha256(...refsetDigestInput(refset)), digest)) return refset;
    }
    return undefined;
  }
}

/** Which of the packs that may be meant: of each blob the first, the last, all; then every choice, where there are few. */
function* trials(
  open: readonly number[],
  among: readonly ReadonlySet<number>[],
  bytes: number,
): Generator<Iterable<number>> {
  const isOpen = new Set(open);
  yield among.map((packs) => Math.min(...packs)).filter((pack) => isOpen.has(pack));
  yield among.map((packs) => Math.max(...packs)).filter((pack) => isOpen.has(pack));
  yield open;
  const most = Math.min(MOST_TRIALS, HASHED_AT_MOST / Math.max(bytes, 1));
  if (2 ** open.length > most) return;
  for (let choice = 0; choice < 2 ** open.length; choice++)
    yield open.filter((_, bit) => Math.floor(choice / 2 ** bit) % 2 === 1);
}
