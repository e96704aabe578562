/**
 * Reads blobs and recomputes the id of every one (security.md §3.4 P5). A place that fails is passed over for the next;
 * when all fail the first failure is told, naming its pack. Nothing partial or other is ever returned.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { blobId, type IdKey } from '@keephold/crypto';
import type { BlobId } from '@keephold/protocol';
import { DamagedError, type EngineError, MissingDataError } from '../errors.ts';
import type { BlobKind } from '../pack-contents.ts';
import type { BlobPlace } from './blob-locations.ts';
import type { PackReader } from './pack-reader.ts';

/** Writes HMAC-SHA256(idKey, kind ‖ plaintext) into `out` (32). */
export type ComputeBlobId = (kind: BlobKind, plaintext: Uint8Array, out: Uint8Array) => void;

/** Plaintext whose id was recomputed. The bytes may be a view of a cache: they must not be written to. */
export interface Blob {
  readonly kind: BlobKind;
  readonly bytes: Uint8Array;
}

export interface BlobReaderOptions {
  readonly packs: PackReader;
  readonly idKey: IdKey;
  /** Faster than the portable one, where the platform has it. */
  readonly computeBlobId?: ComputeBlobId | undefined;
  /** Told of every place that failed although another may have helped: to be shown and healed. */
  readonly onDamage?: ((error: EngineError) => void) | undefined;
}

export class BlobReader {
  readonly #options: BlobReaderOptions;
  readonly #id = new Uint8Array(32);

  constructor(options: BlobReaderOptions) {
    this.#options = options;
  }

  /**
   * The blob from the first place that holds it.
   * @throws MissingDataError when there is no place or only packs that are gone, DamagedError otherwise
   */
  async read(id: BlobId, places: readonly BlobPlace[]): Promise<Blob> {
    const failures: EngineError[] = [];
    for (const place of places) {
      try {
        return await this.#readPlace(id, place);
      } catch (error) {
        if (!(error instanceof DamagedError || error instanceof MissingDataError)) throw error;
        this.#options.onDamage?.(error);
        failures.push(error);
      }
    }
    const [first = new MissingDataError('no index lists it')] = failures;
    const cause = failures.find((error) => error instanceof DamagedError) ?? first;
    const Failure = cause instanceof DamagedError ? DamagedError : MissingDataError;
    throw new Failure(`read blob ${toHex(id)}: ${cause.message}`, { cause, blob: id.slice() });
  }

  async #readPlace(id: BlobId, { pack, frame, offset, length, kind }: BlobPlace): Promise<Blob> {
    const plaintext = await this.#options.packs.frame(pack, frame);
    const bytes = plaintext.subarray(offset, offset + length);
    if (bytes.length !== length || !equalBytes(this.#compute(kind, bytes), id)) {
      throw new DamagedError(`read pack ${toHex(pack.packId)}: frame ${frame} holds another blob at ${offset}`);
    }
    return { kind, bytes };
  }

  #compute(kind: BlobKind, bytes: Uint8Array): Uint8Array {
    const { computeBlobId, idKey } = this.#options;
    if (computeBlobId === undefined) return blobId(idKey, kind, bytes);
    computeBlobId(kind, bytes, this.#id);
    return this.#id;
  }
}
