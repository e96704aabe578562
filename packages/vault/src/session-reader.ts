/** The reading side of the session chain (security.md §3.5): one opening per chain, then two HMACs per session. */
import { equalBytes, readU32, toHex } from '@keephold/bytes';
import {
  asKey,
  CHAIN_SESSIONS,
  type ChainKey,
  chainId,
  nextChainKey,
  OBJECT_TYPE,
  objectName,
  openAsRecipient,
  parseObjectHeader,
  type SessionKey,
  sessionKey,
  type XWingSeed,
} from '@keephold/crypto';
import { type DeviceId, decodeRecord, ID_LENGTH, type ObjectName, type VaultId } from '@keephold/protocol';
import { SessionChainError } from './errors.ts';

const CHAIN_ID_LENGTH = 12;

export interface OpenSessionObjectOptions {
  readonly bytes: Uint8Array;
  /** As a signed commit names it. */
  readonly name: ObjectName;
  readonly vaultId: VaultId;
  /** Who signed that commit. */
  readonly deviceId: DeviceId;
  readonly readKeySeeds: ReadonlyMap<number, XWingSeed>;
}

/** Gives the keys of one chain's sessions. */
export class SessionChainReader {
  /** 12 bytes. */
  readonly chainId: Uint8Array;
  /** Unix nanoseconds, by the device's clock. */
  readonly start: bigint;
  /** Chain keys 0, 1, … as far as they were needed. */
  readonly #chainKeys: ChainKey[];

  constructor(first: ChainKey, id: Uint8Array, start: bigint) {
    this.chainId = id;
    this.start = start;
    this.#chainKeys = [first];
  }

  /**
   * Key of a session of this chain.
   * @throws SessionChainError when the session is not of this chain, or no chain has its number.
   */
  sessionKey(sessionId: Uint8Array): SessionKey {
    const n = sessionId.length === ID_LENGTH ? readU32(sessionId, CHAIN_ID_LENGTH) : CHAIN_SESSIONS;
    if (n >= CHAIN_SESSIONS || !equalBytes(sessionId.subarray(0, CHAIN_ID_LENGTH), this.chainId)) {
      throw new SessionChainError(`derive session key: session ${toHex(sessionId)} is not of this chain`);
    }
    for (let known = this.#chainKeys.length; known <= n; known++) {
      this.#chainKeys.push(nextChainKey(this.#chainKeys[known - 1] as ChainKey));
    }
    return sessionKey(this.#chainKeys[n] as ChainKey);
  }
}

/** The id of the chain that a session belongs to: its first 12 bytes, as hex. */
export function chainNameOf(sessionId: Uint8Array): string {
  return toHex(sessionId.subarray(0, CHAIN_ID_LENGTH));
}

/**
 * Opens a session object and checks that it is the one the commit names, of this vault and of the commit's device.
 * @throws SessionChainError, IntegrityError, MalformedObjectError, MalformedRecordError
 */
export async function openSessionObject(options: OpenSessionObjectOptions): Promise<SessionChainReader> {
  const { bytes, name, vaultId, deviceId } = options;
  if (!equalBytes(objectName(bytes), name)) {
    throw new SessionChainError(`open session object ${toHex(name)}: its bytes have another name`);
  }
  const { epoch } = parseObjectHeader(bytes);
  const seed = options.readKeySeeds.get(epoch);
  if (seed === undefined) {
    throw new SessionChainError(`open session object ${toHex(name)}: no read key of epoch ${epoch}`);
  }
  const expect = { type: OBJECT_TYPE.session, contextId: vaultId, epoch } as const;
  const fields = decodeRecord(await openAsRecipient({ bytes, expect, seed }), 'session object');
  const id = fields.bytes(0, CHAIN_ID_LENGTH);
  const first = asKey('ChainKey', fields.bytes(1, 32));
  const owner = fields.bytes(2, ID_LENGTH);
  const start = fields.int64(3);
  fields.end();
  if (!equalBytes(owner, deviceId) || !equalBytes(id, chainId(first, { vaultId, deviceId }))) {
    throw new SessionChainError(`open session object ${toHex(name)}: it is of another device or vault`);
  }
  return new SessionChainReader(first, id, start);
}
