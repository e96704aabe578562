/**
 * Makes up, while a writer works, the parity that an earlier one was stopped before it made. What is missing is seen by
 * comparing names; nothing else is looked at, so it costs little where nothing is missing.
 */
import { BackendError, type FolderBackend } from '@keephold/backend';
import { fullPages, toHex } from '@keephold/bytes';
import { CustodyError, packLength, type VaultId } from '@keephold/protocol';
import {
  chainFolder,
  GRANTS,
  KEYCHAIN,
  KEYRINGS,
  objectsFolder,
  packsFolder,
  refsetsFolder,
  SLOTS,
} from '../layout.ts';
import { type CompletingOptions, completeParityOf } from './complete-parity.ts';
import { isPackName, parityName, percentFor } from './parity-names.ts';

/** At once: more than a writer that was stopped leaves. A repository that has lost all its parity is for `repair`. */
const PACKS_AT_ONCE = 16;

export class MissingParity {
  readonly #folder: Pick<FolderBackend, 'names'>;
  readonly #options: Omit<CompletingOptions, 'area'>;
  readonly #begun = new Set<string>();
  #running: Promise<void> = Promise.resolve();

  constructor(folder: Pick<FolderBackend, 'names'>, options: Omit<CompletingOptions, 'area'>) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Where nothing else has begun it: a snapshot of what is stored already needs no session. */
  beginOnce(vault: VaultId): void {
    if (!this.#begun.has(toHex(vault))) this.begin(vault);
  }

  /** What cannot be read or written is left as it is: `check` goes on naming it. */
  begin(vault: VaultId): void {
    this.#begun.add(toHex(vault));
    this.#running = this.#running.then(async () => await this.#makeUp(vault));
    // Told by `end`.
    this.#running.catch(() => undefined);
  }

  async end(): Promise<void> {
    await this.#running;
  }

  async #makeUp(vault: VaultId): Promise<void> {
    let [packs, area] = [0, undefined as Uint8Array | undefined];
    try {
      for await (const name of namesWithoutParity(this.#folder, vault)) {
        if (!isPackName(name)) await this.#complete(name);
        else if (packs++ < PACKS_AT_ONCE) await this.#complete(name, (area ??= sharedPackArea()));
      }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
    }
  }

  async #complete(name: string, area?: Uint8Array): Promise<void> {
    try {
      await completeParityOf(name, area === undefined ? this.#options : { ...this.#options, area });
    } catch (error) {
      if (!(error instanceof BackendError || error instanceof CustodyError)) throw error;
    }
  }
}

async function* namesWithoutParity(folder: Pick<FolderBackend, 'names'>, vault: VaultId): AsyncGenerator<string> {
  for await (const place of placesOf(folder, vault)) {
    const names = await folder.names(place);
    const known = new Set(names.length === 0 ? [] : await folder.names(parityName(place)));
    for (const name of names) {
      const path = `${place}/${name}`;
      if (!known.has(name) && percentFor(path, 1) !== undefined) yield path;
    }
  }
}

/** Folders whose files have parity. */
async function* placesOf(folder: Pick<FolderBackend, 'names'>, vault: VaultId): AsyncGenerator<string> {
  yield* [KEYCHAIN, SLOTS, KEYRINGS, GRANTS, chainFolder(vault), refsetsFolder(vault)];
  for (const parts of [objectsFolder(vault), packsFolder(vault)])
    for (const part of await folder.names(parts)) yield `${parts}/${part}`;
}

/** The threads that compute parity read it where it is. */
function sharedPackArea(): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(packLength(fullPages(1)) + 1));
}
