/** Other recovery codes beside a second factor, for an owner who has just shown himself: the ones before are worth nothing. */
import type { AccountId } from '@keephold/protocol';
import { prefixOf } from './address.ts';
import { appendAudit } from './audit-log.ts';
import { codeHash, hasFactor, newRecoveryCodes, storeRecoveryCodes } from './factor.ts';
import { addNotice } from './notices/notice.ts';
import type { AccountsSurroundings } from './surroundings.ts';

/**
 * When the answer is lost, it is asked again: app and words are ways in all the while. Undefined: there is no second
 * factor.
 */
export async function renewRecoveryCodes(
  { database, random, now }: AccountsSurroundings,
  accountId: AccountId,
  address: string,
): Promise<readonly Uint8Array[] | undefined> {
  const time = now();
  const codes = newRecoveryCodes(random);
  const hashes = codes.map((code) => codeHash(accountId, code));
  return await database.transaction(async (sql) => {
    if (!(await hasFactor(sql, accountId))) return undefined;
    await sql.query('DELETE FROM factor_code WHERE account_id = ?', accountId);
    await storeRecoveryCodes(sql, accountId, hashes);
    await appendAudit(sql, { accountId, type: 'factor-codes', now: time, ipPrefix: prefixOf(address) });
    await addNotice(sql, { accountId, notice: { kind: 'access', what: 'codes' }, now: time, random });
    return codes;
  });
}
