/** Stores sealed packs while the run goes on, and remembers what the next commit must name. */
import { freeBytes } from '@keephold/bytes';
import type { Custody, VaultId } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import type { KnownBlobStore } from '../known-blobs/known-blob-store.ts';
import type { SealedPack } from '../packing/pack-builder.ts';
import type { WriterSession } from './options.ts';
import type { RunCounters } from './run-counters.ts';
import { storeSessionObjects } from './session-objects.ts';
import type { UploadJournal } from './upload-journal.ts';

export class PackUploads {
  readonly #custody: Custody;
  readonly #vaultId: VaultId;
  readonly #session: WriterSession;
  readonly #known: () => KnownBlobStore;
  readonly #counters: RunCounters;
  readonly #journal: UploadJournal;
  #ready: Promise<void> | undefined;
  #packs: IndexedPack[] = [];
  #running = new Set<Promise<void>>();
  #failure: unknown;

  constructor(parts: {
    readonly custody: Custody;
    readonly vaultId: VaultId;
    readonly session: WriterSession;
    readonly known: () => KnownBlobStore;
    readonly counters: RunCounters;
    readonly journal: UploadJournal;
  }) {
    this.#custody = parts.custody;
    this.#vaultId = parts.vaultId;
    this.#session = parts.session;
    this.#known = parts.known;
    this.#counters = parts.counters;
    this.#journal = parts.journal;
  }

  /** Uploads not yet durable. */
  get inFlight(): number {
    return this.#running.size;
  }

  /** Takes a sealed pack whose bytes are the first `pack.length` of `area`; `release` is called when they are no longer needed. */
  add(pack: SealedPack, area: Uint8Array, release: () => void): void {
    const known = this.#known();
    const number = known.packNumber(pack.packId);
    for (const record of pack.records) known.setPack(record, number);
    freeBytes(pack.records);
    const { packId, packSalt, pageCount, kind, contents } = pack;
    const indexed = { packId, packSalt, pageCount, kind, sessionId: this.#session.sessionId, contents };
    this.#packs.push(indexed);
    this.#counters.packs++;
    this.#counters.bytesWritten += pack.length;
    let isReleased = false;
    const releaseOnce = (): void => {
      if (!isReleased) release();
      isReleased = true;
    };
    const bytes = area.subarray(0, pack.length);
    const upload = this.#upload(indexed, bytes, releaseOnce).catch((cause: unknown) => {
      this.#failure ??= cause;
      releaseOnce();
    });
    this.#running.add(upload);
    void upload.finally(() => this.#running.delete(upload));
  }

  /** Waits until fewer than `limit` uploads are going. Throws what an upload failed with. */
  async room(limit: number): Promise<void> {
    while (this.#running.size >= limit) await Promise.race(this.#running);
    this.check();
  }

  /** Waits until everything given is durable. */
  async settled(): Promise<void> {
    await this.room(1);
  }

  /** Waits until nothing reads packs any more, whether that went well or not. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Packs stored since the last call; the next commit must name them. */
  takePacks(): readonly IndexedPack[] {
    const packs = this.#packs;
    this.#packs = [];
    return packs;
  }

  /** Stores the session objects; before the first pack, and before a snapshot that needs no pack. */
  async storeSession(): Promise<void> {
    this.#ready ??= this.#storeSession();
    await this.#ready;
  }

  async #storeSession(): Promise<void> {
    await this.#custody.openSession(this.#vaultId);
    await storeSessionObjects(this.#custody, this.#vaultId, this.#session);
  }

  async #upload(pack: IndexedPack, bytes: Uint8Array, onTaken: () => void): Promise<void> {
    await this.storeSession();
    await this.#custody.putPack(this.#vaultId, pack.packId, bytes, onTaken);
    onTaken();
    await this.#journal.add(pack);
  }
}
