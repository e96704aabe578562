/**
 * Packs that a snapshot needs and that no index object lists any more: what they hold their own trailers say (format.md
 * §4 and §5), so a lost index object costs time and no data. The header is read with the whole pack once, its trailer by
 * range whenever it is asked for: rows are not kept.
 */
import { equalBytes, freeBytes, type PackKind, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import {
  type DeviceId,
  PAGE_LENGTH,
  type PackId,
  type PackIdList,
  packIdAt,
  packIdCount,
  packLength,
  parsePackHeader,
  type ReadingCustody,
  sortPackIds,
  subtractPackIds,
  type VaultId,
} from '@keephold/protocol';
import { DamagedError, EngineError, MissingDataError } from '../errors.ts';
import type { IndexedPack } from '../index-object.ts';
import { checkContents, FRAME_ROW_BYTES, type PackContents, parseTail, TAIL_BYTES } from '../pack-contents.ts';
import type { PackRecord } from './blob-locations.ts';
import { type IndexOptions, type IndexStreamOptions, readIndexObjects } from './index-stream.ts';
import type { PackPages } from './pack-pages.ts';
import { namingPack } from './pack-reader.ts';
import type { SessionKeys } from './session-keys.ts';

/** Pages of the largest pack (format.md §4). */
const MOST_PAGES = 256;

export interface UnlistedPack {
  readonly pack: IndexedPack;
  /** Whose session it was written in. */
  readonly author: DeviceId;
}

export interface UnlistedPacksOptions {
  readonly index: IndexOptions;
  readonly custody: Pick<ReadingCustody, 'getPack'>;
  readonly vaultId: VaultId;
  readonly sessions: SessionKeys;
  readonly pages: PackPages;
}

interface OwnedRecord {
  readonly record: PackRecord;
  readonly author: DeviceId;
}

export interface ReadUnlistedOptions {
  readonly kind: IndexStreamOptions['kind'];
  /** Told of a pack that cannot tell what it holds, which is passed over. Without it damage is told once a pack. */
  readonly onFailure?: (error: EngineError, packId: PackId) => void;
}

export class UnlistedPacks {
  readonly #options: UnlistedPacksOptions;
  readonly #records = new Map<string, OwnedRecord | EngineError>();
  readonly #told = new Set<string>();
  #listed: Promise<PackIdList> | undefined;

  constructor(options: UnlistedPacksOptions) {
    this.#options = options;
  }

  /** Those of the refset that no readable index object lists. */
  async of(refset: PackIdList): Promise<PackIdList> {
    this.#listed ??= this.#findListed().catch((error: unknown) => {
      this.#listed = undefined;
      throw error;
    });
    return subtractPackIds(refset, await this.#listed);
  }

  /** What packs hold that no index object lists. */
  async *read(
    packs: PackIdList,
    { kind, onFailure = this.#tellOnce }: ReadUnlistedOptions,
  ): AsyncGenerator<UnlistedPack> {
    for (let i = 0; i < packIdCount(packs); i++) {
      this.#options.index.signal?.throwIfAborted();
      const packId = new Uint8Array(packIdAt(packs, i)) as Uint8Array as PackId;
      const found = await this.#orFailure(packId, async () => await this.#recordOf(packId));
      if (found instanceof EngineError) onFailure(found, packId);
      else if (isOfKind(found.record.kind, kind)) {
        const contents = await this.#orFailure(packId, async () => await this.#trailer(found.record));
        if (contents instanceof EngineError) onFailure(contents, packId);
        else yield { pack: { ...found.record, contents }, author: found.author };
      }
    }
  }

  readonly #tellOnce = (error: EngineError, packId: PackId): void => {
    const name = toHex(packId);
    if (!this.#told.has(name)) this.#options.index.onDamage?.(error);
    this.#told.add(name);
  };

  async #findListed(): Promise<PackIdList> {
    const listed: Uint8Array[] = [];
    const indexes = readIndexObjects({ ...this.#options.index, kind: 'all', onDamage: () => undefined });
    for await (const { packs } of indexes) {
      for (const { packId, contents } of packs) {
        listed.push(packId);
        freeBytes(contents.blobs);
      }
    }
    return sortPackIds(listed);
  }

  async #recordOf(packId: PackId): Promise<OwnedRecord | EngineError> {
    const name = toHex(packId);
    const known =
      this.#records.get(name) ?? (await this.#orFailure(packId, async () => await this.#readHeader(packId)));
    this.#records.set(name, known);
    return known;
  }

  /** The whole pack is read, because its name vouches for its header as nothing else does. */
  async #readHeader(packId: PackId): Promise<OwnedRecord> {
    const { custody, vaultId, sessions } = this.#options;
    const area = new Uint8Array(packLength(MOST_PAGES));
    const length = await custody.getPack(vaultId, packId, area);
    if (length === undefined) throw new MissingDataError('it is not there');
    const bytes = area.subarray(0, length);
    if (!equalBytes(sha256(bytes), packId)) throw new DamagedError('its bytes have another name');
    const { packSalt, pageCount, kind, sessionId } = parsePackHeader(bytes);
    freeBytes(area);
    return { record: { packId, packSalt, pageCount, kind, sessionId }, author: await sessions.ownerOf(sessionId) };
  }

  async #trailer(record: PackRecord): Promise<PackContents> {
    const { pages } = this.#options;
    const { pageCount, kind } = record;
    const size = pageCount * PAGE_LENGTH;
    const last = await pages.read(record, pageCount - 1, 1);
    const tail = parseTail(last.subarray(PAGE_LENGTH - TAIL_BYTES), size);
    const first = Math.floor(tail.trailerOffset / PAGE_LENGTH);
    const plaintext = first === pageCount - 1 ? last : await pages.read(record, first, pageCount - first);
    const at = tail.trailerOffset - first * PAGE_LENGTH;
    const blobsAt = at + tail.frames * FRAME_ROW_BYTES;
    const contents = {
      frames: plaintext.slice(at, blobsAt),
      blobs: plaintext.slice(blobsAt, at + tail.trailerLength),
    };
    checkContents(kind, contents, tail.trailerOffset);
    return contents;
  }

  /** What is wrong with one pack, by its name; anything else is thrown. */
  async #orFailure<Result>(packId: PackId, read: () => Promise<Result>): Promise<Result | EngineError> {
    try {
      return await read();
    } catch (cause) {
      const error = namingPack(cause, { packId });
      if (error instanceof DamagedError || error instanceof MissingDataError) return error;
      throw error;
    }
  }
}

function isOfKind(kind: PackKind, wanted: IndexStreamOptions['kind']): boolean {
  return wanted === 'all' || kind === (wanted === 'data' ? 1 : 2);
}
