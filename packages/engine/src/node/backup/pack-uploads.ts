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

/** A pack that takes longer than this many milliseconds goes over a slow line, or is held back by a limit. */
const SLOW_MS = 3000;
const META = 2;

interface Upload {
  readonly kind: number;
  readonly since: number;
  readonly done: Promise<void>;
}

export class PackUploads {
  readonly #custody: Custody;
  readonly #vaultId: VaultId;
  readonly #session: WriterSession;
  readonly #known: () => KnownBlobStore;
  readonly #counters: RunCounters;
  readonly #journal: UploadJournal;
  readonly #stopped = new AbortController();
  #ready: Promise<void> | undefined;
  /** Durable, and not named by a commit. */
  #stored: IndexedPack[] = [];
  /** Numbers of data packs that are not durable: on their way, or given up. */
  readonly #lacking = new Set<number>();
  readonly #running = new Set<Upload>();
  readonly #waiting: (() => void)[] = [];
  #lastTook = 0;
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

  /** Whether packs take long to be stored: what waits for all of them waits for minutes. */
  get isSlow(): boolean {
    const [oldest] = this.#running;
    const since = oldest === undefined ? 0 : performance.now() - oldest.since;
    return Math.max(since, this.#lastTook) > SLOW_MS;
  }

  /** Whether packs are durable that no commit names. */
  get hasStored(): boolean {
    return this.#stored.length > 0;
  }

  /** Whether a commit that is made now lacks this pack. Meta packs are waited for (metaSettled). */
  lacks(pack: number): boolean {
    return this.#lacking.has(pack);
  }

  /** Takes a sealed pack whose bytes are the first `pack.length` of `area`; `release` is called when they are no longer needed. */
  add(pack: SealedPack, area: Uint8Array, release: () => void): void {
    const known = this.#known();
    const number = known.packNumber(pack.packId);
    for (const record of pack.records) known.setPack(record, number);
    freeBytes(pack.records);
    const { packId, packSalt, pageCount, kind, contents } = pack;
    const indexed = { packId, packSalt, pageCount, kind, sessionId: this.#session.sessionId, contents };
    if (kind !== META) this.#lacking.add(number);
    let isReleased = false;
    const releaseOnce = (): void => {
      if (!isReleased) release();
      isReleased = true;
    };
    const bytes = area.subarray(0, pack.length);
    const done = this.#upload(indexed, bytes, releaseOnce)
      .then((isStored) => {
        if (isStored) this.#onStored(indexed, number, pack.length);
      })
      .catch((cause: unknown) => (this.#failure ??= cause))
      .then(releaseOnce);
    const upload: Upload = { kind, since: performance.now(), done };
    this.#running.add(upload);
    void done.then(() => {
      this.#running.delete(upload);
      this.#lastTook = performance.now() - upload.since;
      this.wake();
    });
  }

  /** Resolves when an upload ended, or at `wake`; at once when none is going. */
  async change(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.check();
  }

  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Waits until everything given is durable. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await this.change();
    this.check();
  }

  /** Waits until the meta packs given so far are durable. */
  async metaSettled(): Promise<void> {
    await Promise.all([...this.#running].filter(({ kind }) => kind === META).map(async ({ done }) => await done));
    this.check();
  }

  /** Gives up data packs that are not durable, now and from here on. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Waits until nothing reads packs any more, whether that went well or not. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running].map(async ({ done }) => await done));
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Packs that became durable since the last call; the next commit must name them. */
  takeStored(): readonly IndexedPack[] {
    return this.#stored.splice(0);
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

  #onStored(pack: IndexedPack, number: number, length: number): void {
    this.#stored.push(pack);
    this.#lacking.delete(number);
    this.#counters.packs++;
    this.#counters.bytesWritten += length;
  }

  /** False when it was given up. */
  async #upload(pack: IndexedPack, bytes: Uint8Array, onTaken: () => void): Promise<boolean> {
    const signal = pack.kind === META ? undefined : this.#stopped.signal;
    try {
      signal?.throwIfAborted();
      await this.storeSession();
      await this.#custody.putPack(this.#vaultId, pack.packId, bytes, {
        onTaken,
        ...(signal !== undefined && { signal }),
      });
    } catch (cause) {
      if (signal?.aborted === true) return false;
      throw cause;
    }
    onTaken();
    await this.#journal.add(pack);
    return true;
  }
}
