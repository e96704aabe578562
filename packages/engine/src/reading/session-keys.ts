/**
 * Session keys of packs and snapshots. One public-key opening per chain, then hashes (security.md §3.5). A session id
 * does not say which object holds its chain, so objects are opened newest first until it is found, each once.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { CryptoError, objectName, type PackKey, packKey, type SessionKey } from '@keephold/crypto';
import {
  type DeviceId,
  encodePackHeader,
  MalformedRecordError,
  type ObjectName,
  type ReadingCustody,
  type SessionId,
} from '@keephold/protocol';
import { DamagedError, MissingDataError } from '../errors.ts';
import type { PackRecord } from './blob-locations.ts';
import type { CommitLog, SessionEntry } from './commit-log.ts';

const CHAIN_ID_BYTES = 12;

/** The sessions of one chain, once its object was opened. */
export interface SessionChain {
  /** 12 bytes: what the ids of its sessions begin with. */
  readonly chainId: Uint8Array;
  /** Throws for a session that is not of this chain. */
  sessionKey(sessionId: Uint8Array): SessionKey;
}

/**
 * Opens a sealed session object under the vault's read keys and checks that its chain is of this vault and device. The
 * object's name was checked. Throws CryptoError, MalformedRecordError or any error with a `code` when it cannot be.
 */
export type OpenSessionObject = (object: {
  readonly bytes: Uint8Array;
  readonly name: ObjectName;
  readonly deviceId: DeviceId;
}) => Promise<SessionChain>;

export interface SessionKeysOptions {
  readonly custody: Pick<ReadingCustody, 'getObjects'>;
  readonly log: CommitLog;
  /** Session objects that this very device made: no commit has to vouch for them. */
  readonly own?: readonly SessionEntry[] | undefined;
  readonly openSessionObject: OpenSessionObject;
}

interface OpenedChain {
  readonly chain: SessionChain;
  readonly deviceId: DeviceId;
}

export class SessionKeys {
  readonly #options: SessionKeysOptions;
  readonly #chains = new Map<string, OpenedChain>();
  readonly #keys = new Map<string, SessionKey>();
  /** Entries opened or found broken. */
  readonly #tried = new Set<SessionEntry>();
  readonly #failures: unknown[] = [];
  #opening: Promise<void> = Promise.resolve();

  constructor(options: SessionKeysOptions) {
    this.#options = options;
  }

  /**
   * Key of a session. With `deviceId`, the chain must be that device's.
   * @throws MissingDataError when no session object that a commit names has its chain
   */
  async sessionKeyOf(sessionId: SessionId, deviceId?: DeviceId): Promise<SessionKey> {
    const chainName = toHex(sessionId.subarray(0, CHAIN_ID_BYTES));
    const opened = this.#chains.get(chainName) ?? (await this.#find(chainName, deviceId));
    if (deviceId !== undefined && !equalBytes(opened.deviceId, deviceId)) {
      throw new DamagedError(`find session key: session ${toHex(sessionId)} is of another device`);
    }
    const name = toHex(sessionId);
    const key = this.#keys.get(name) ?? keyInChain(opened, sessionId);
    this.#keys.set(name, key);
    return key;
  }

  /**
   * The device whose chain a session is of.
   * @throws MissingDataError
   */
  async ownerOf(sessionId: SessionId): Promise<DeviceId> {
    const chainName = toHex(sessionId.subarray(0, CHAIN_ID_BYTES));
    return (this.#chains.get(chainName) ?? (await this.#find(chainName, undefined))).deviceId;
  }

  /** Key of a pack, from the header that its record describes. */
  async packKeyOf(pack: PackRecord): Promise<PackKey> {
    const session = await this.sessionKeyOf(pack.sessionId);
    return packKey(session, encodePackHeader({ ...pack, vaultId: this.#options.log.vaultId }));
  }

  /** Opens objects until the chain is there. One search at a time: openings cost milliseconds and serve all. */
  async #find(chainName: string, deviceId: DeviceId | undefined): Promise<OpenedChain> {
    const search = this.#opening.then(() => this.#search(chainName, deviceId));
    this.#opening = search.then(
      () => undefined,
      () => undefined,
    );
    return await search;
  }

  async #search(chainName: string, deviceId: DeviceId | undefined): Promise<OpenedChain> {
    const found = this.#chains.get(chainName);
    if (found !== undefined) return found;
    const { log, own = [] } = this.#options;
    const untried = [...own, ...log.sessions].filter((entry) => !this.#tried.has(entry)).reverse();
    const isLikely = (entry: SessionEntry): boolean => deviceId === undefined || equalBytes(entry.deviceId, deviceId);
    for (const entry of [...untried.filter(isLikely), ...untried.filter((entry) => !isLikely(entry))]) {
      await this.#open(entry);
      const opened = this.#chains.get(chainName);
      if (opened !== undefined) return opened;
    }
    const [cause] = this.#failures;
    throw new MissingDataError(`find session key: no session object has chain ${chainName}`, { cause });
  }

  /** A broken object is kept as a reason and must not hide the others. */
  async #open(entry: SessionEntry): Promise<void> {
    const { name, deviceId } = entry;
    const { custody, log, openSessionObject } = this.#options;
    const [bytes] = await custody.getObjects(log.vaultId, [name]);
    this.#tried.add(entry);
    if (bytes === undefined) {
      this.#failures.push(new MissingDataError(`read session object ${toHex(name)}: it is not there`));
      return;
    }
    if (!equalBytes(objectName(bytes), name)) {
      this.#failures.push(new DamagedError(`read session object ${toHex(name)}: its bytes have another name`));
      return;
    }
    try {
      const chain = await openSessionObject({ bytes, name, deviceId });
      this.#chains.set(toHex(chain.chainId), { chain, deviceId });
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#failures.push(error);
    }
  }
}

/** A header may name a session that no chain has: whoever wrote the pack says so, and nobody else. */
function keyInChain({ chain }: OpenedChain, sessionId: SessionId): SessionKey {
  try {
    return chain.sessionKey(sessionId);
  } catch (cause) {
    if (!isExpected(cause)) throw cause;
    throw new DamagedError(`find session key: ${(cause as Error).message}`, { cause });
  }
}

function isExpected(error: unknown): boolean {
  if (error instanceof CryptoError || error instanceof MalformedRecordError) return true;
  return error instanceof Error && typeof (error as { readonly code?: unknown }).code === 'string';
}
