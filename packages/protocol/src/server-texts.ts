/** What names a server, and what the key of recovery words signs for it (security.md §3.9, §5). No primitive is named here. */
import { concatBytes, utf8Encode, writeU64 } from '@keephold/bytes';
import type { AccountId } from './ids.ts';

/** Hash these parts: the first 16 bytes are the server's id. Its event key is in the genesis of every account it keeps. */
export function serverIdInput(eventKey: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [utf8Encode('keephold/v1/server-id\0'), eventKey];
}

export interface RecoveryText {
  readonly serverId: Uint8Array;
  readonly accountId: AccountId;
  readonly attemptId: Uint8Array;
  /** Unix seconds. */
  readonly time: number;
  readonly sessionKey: Uint8Array;
}

/** LBL("sig/request") ‖ server id ‖ accountId ‖ attemptId 32 ‖ unix seconds u64 ‖ session key 32. */
export function recoveryText({ serverId, accountId, attemptId, time, sessionKey }: RecoveryText): Uint8Array {
  const seconds = new Uint8Array(8);
  writeU64(seconds, 0, BigInt(time));
  return concatBytes(utf8Encode('keephold/v1/sig/request\0'), serverId, accountId, attemptId, seconds, sessionKey);
}
