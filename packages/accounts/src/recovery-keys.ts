/** Public keys of recovery words: one for each words slot that the account's keychain names, and none besides. */
import { equalBytes, toHex } from '@keephold/bytes';
import { bytesAt, type Sql } from '@keephold/custody/sql';
import { ID_LENGTH, type KeychainState } from '@keephold/protocol';
import { AccountsError } from './errors.ts';
import { namesSlot } from './named-slot.ts';
import type { AccountsSurroundings } from './surroundings.ts';

const KEY_LENGTH = 32;

export interface RecoveryRecords {
  readonly recoveryId: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly slotId: Uint8Array;
}

export function fitsRecovery(keychain: KeychainState, { recoveryId, publicKey, slotId }: RecoveryRecords): boolean {
  return (
    namesSlot(keychain, { slotId, method: 'words' }) &&
    recoveryId.length === ID_LENGTH &&
    publicKey.length === KEY_LENGTH
  );
}

/** Within a transaction; can be repeated. False when somebody else has these words, which nobody's are twice. */
export async function insertRecovery(sql: Sql, keychain: KeychainState, records: RecoveryRecords): Promise<boolean> {
  const { recoveryId, publicKey, slotId } = records;
  const [stored] = await sql.query('SELECT account_id, slot_id FROM recovery WHERE recovery_id = ?', recoveryId);
  if (stored !== undefined) {
    return equalBytes(bytesAt(stored, 0), keychain.accountId) && equalBytes(bytesAt(stored, 1), slotId);
  }
  await sql.query(
    'INSERT INTO recovery (recovery_id, account_id, public_key, slot_id) VALUES (?, ?, ?, ?)',
    recoveryId,
    keychain.accountId,
    publicKey,
    slotId,
  );
  return true;
}

/**
 * New words of an account that has signed in: its keychain, as it is kept, names their slot already.
 * @throws AccountsError `malformed`
 */
export async function addRecovery(
  { database }: AccountsSurroundings,
  keychain: KeychainState,
  records: RecoveryRecords,
): Promise<void> {
  if (!fitsRecovery(keychain, records)) throw new AccountsError('malformed');
  const added = await database.transaction(async (sql) => await insertRecovery(sql, keychain, records));
  if (!added) throw new AccountsError('malformed');
}

/** After the keychain has grown: words whose slot it closed sign in no more. */
export async function dropRecovery({ database }: AccountsSurroundings, keychain: KeychainState): Promise<void> {
  const { accountId } = keychain;
  await database.transaction(async (sql) => {
    for (const row of await sql.query('SELECT slot_id FROM recovery WHERE account_id = ?', accountId)) {
      const slotId = bytesAt(row, 0);
      if (keychain.slots.get(toHex(slotId))?.removed !== true) continue;
      await sql.query('DELETE FROM recovery WHERE account_id = ? AND slot_id = ?', accountId, slotId);
    }
  });
}
