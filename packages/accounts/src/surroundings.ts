/** What every act on accounts needs; made once by the app. */
import type { SqlDatabase } from '@keephold/custody/sql';
import { AccountsError } from './errors.ts';
import type { FactorSide } from './factor-side.ts';
import type { OpaqueSide } from './opaque-side.ts';

export interface AccountsSurroundings {
  /** Durable: what is in it exists nowhere else. Its tables are made (schema.ts). */
  readonly database: SqlDatabase;
  readonly opaque: OpaqueSide;
  readonly factors: FactorSide;
  /** Names the OPAQUE setup that `opaque` was opened with; kept with every record. */
  readonly setupId: Uint8Array;
  /** Names the server for good, in signatures and in OPAQUE: the first 16 bytes of the hash of its event key. */
  readonly serverId: Uint8Array;
  /** Ed25519, 32 bytes: genesis of every account here names it. */
  readonly eventKey: Uint8Array;
  /** 32 random bytes, the same for good: what is answered about accounts that are not there comes from it. */
  readonly decoySecret: Uint8Array;
  /** open: also without an invitation, by the empty one. */
  readonly signUp?: 'by-invitation' | 'open';
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** Requests are whatever a stranger sent: what the OPAQUE side cannot read is refused, without its reasons. */
export function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new AccountsError('malformed', { cause });
  }
}
