/**
 * The Backend seam: where bytes lie. Named immutable objects, nothing else: no locks, no meaning.
 *
 * Contract of every member unless it says otherwise:
 * - names follow `checkName`; a name that does not is refused with 'bad-name' before anything is touched;
 * - a promise that resolves means durable: contents and name would survive a power cut;
 * - repeating a call with the same arguments is harmless;
 * - a name is there with its whole contents or not at all, also after a crash at any point;
 * - what is not there is a value (`undefined`, nothing listed), never an error; failures are `BackendError`;
 * - an aborted call rejects with the signal's reason and leaves no new name.
 */

/** What differs between places, as data. */
export interface BackendProperties {
  /** How many writes may usefully be open at once. */
  readonly writesInFlight: number;
  /** How many reads may usefully be open at once. */
  readonly readsInFlight: number;
  /** Whether whoever can write here can also delete and overwrite what others wrote. */
  readonly writerCanDestroy: boolean;
}

export interface PutOptions {
  /** Called when the bytes are no longer needed, though not durable yet. Not called when they were not written. */
  readonly onWritten?: () => void;
  readonly signal?: AbortSignal;
  /** SHA-256 of the bytes, where the caller has it: stores that compare need not compute it again. */
  readonly sha256?: Uint8Array;
  /** Asked before each piece of a write goes out; the write waits for it. With it, pieces are at most 64 KiB. */
  readonly pace?: (bytes: number) => Promise<void>;
}

export interface GetOptions {
  /** First byte, from 0. */
  readonly offset?: number;
  /** Bytes wanted; without it all from `offset`. */
  readonly length?: number;
  /** Read into this (may be shared memory) instead of new memory; bounds the length. */
  readonly into?: Uint8Array;
}

export interface ObjectStat {
  readonly size: number;
  /** Unix milliseconds by the clock of the place. */
  readonly modifiedAt: number;
}

export interface ListedObject extends ObjectStat {
  readonly name: string;
}

export interface ReadingBackend {
  /** The bytes (a view of `into` when given), fewer than asked at the end of the object. */
  get(name: string, options?: GetOptions): Promise<Uint8Array | undefined>;
  stat(name: string): Promise<ObjectStat | undefined>;
}

export interface ListingBackend {
  /** Everything beneath the folder `prefix` (no trailing slash; '' is all), by name ascending. */
  list(prefix: string): AsyncIterable<ListedObject>;
}

export interface WritingBackend {
  /**
   * Stores or replaces. `bytes` may be a view of shared memory: it is read until the promise settles and must not
   * change before.
   */
  put(name: string, bytes: Uint8Array, options?: PutOptions): Promise<void>;
  /** Stores unless the name is there; of several callers at once, in any process, exactly one creates. */
  putNew(name: string, bytes: Uint8Array, options?: PutOptions): Promise<'created' | 'exists'>;
  /** Makes an object look newly modified, which renews the protection that youth gives. False: not there. */
  touch(name: string): Promise<boolean>;
}

export interface DeletingBackend {
  /** Removes the name; nothing happens when it is not there. */
  delete(name: string): Promise<void>;
}

export interface Backend extends ReadingBackend, ListingBackend, WritingBackend, DeletingBackend {
  readonly properties: BackendProperties;
}
