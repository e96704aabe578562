/**
 * The forward-only chain of session keys (security.md §3.5). Going forward is a hash; going back is impossible. The
 * caller must persist the next chain key and destroy the current one before it uses the session key of the current.
 */

import { concatBytes, u32le } from '@keephold/bytes';
import { InvalidKeyError } from './errors.ts';
import { expand, expandKey } from './expand.ts';
import { type ChainKey, ID_LENGTH, requireLength, type SessionKey, type SnapshotKey } from './keys.ts';
import { label } from './label.ts';

const CHAIN_ID_LENGTH = 12;
/** Sessions of one chain; the next needs a new chain. */
export const CHAIN_SESSIONS = 1024;

export interface ChainOwner {
  readonly vaultId: Uint8Array;
  readonly deviceId: Uint8Array;
}

/** 12 bytes that commit to the first key of a chain and to whose it is. */
export function chainId(firstChainKey: ChainKey, owner: ChainOwner): Uint8Array<ArrayBuffer> {
  requireLength('vault id', owner.vaultId, ID_LENGTH);
  requireLength('device id', owner.deviceId, ID_LENGTH);
  return expand(firstChainKey, concatBytes(label('chain/id'), owner.vaultId, owner.deviceId), CHAIN_ID_LENGTH);
}

/**
 * 16 bytes: chainId ‖ n as u32.
 * @throws InvalidKeyError when n is not 0 to 1,023
 */
export function sessionIdOf(chain: Uint8Array, n: number): Uint8Array<ArrayBuffer> {
  requireLength('chain id', chain, CHAIN_ID_LENGTH);
  if (!Number.isInteger(n) || n < 0 || n >= CHAIN_SESSIONS) {
    throw new InvalidKeyError(`name session: number ${n}, must be 0 to ${CHAIN_SESSIONS - 1}`);
  }
  return concatBytes(chain, u32le(n));
}

/** Key of session n, from chain key n. */
export function sessionKey(chainKey: ChainKey): SessionKey {
  return expandKey('SessionKey', chainKey, label('chain/session'));
}

/** Chain key n + 1, from chain key n. */
export function nextChainKey(chainKey: ChainKey): ChainKey {
  return expandKey('ChainKey', chainKey, label('chain/next'));
}

/** Key of the snapshots written in a session (format.md §5). */
export function snapshotKey(session: SessionKey, vaultId: Uint8Array): SnapshotKey {
  requireLength('vault id', vaultId, ID_LENGTH);
  return expandKey('SnapshotKey', session, label('snapshot/key'), vaultId);
}
