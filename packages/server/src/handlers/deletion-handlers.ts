/** Deletion over HTTP, and stopping it: written into the account's log, and not before its time (security.md §6.1). */
import { type AccountsSurroundings, prefixOf, recordAudit } from '@keephold/accounts';
import { addNotice, type Notice, shortId } from '@keephold/accounts/notices';
import { type CollectOptions, type VaultId, vaultRecord } from '@keephold/protocol';
import type { schemas } from '@keephold/protocol/http';
import { ServerError } from '../errors.ts';
import { keychainOf } from './account-handlers.ts';
import { type Call, type Handler, json } from './handler.ts';
import { holdAnswer, seqsOf, vaultOf } from './vault-handlers.ts';

export type DeletionRoute = 'trash' | 'collect' | 'setHold';

/** G of security.md §6.5, days. */
const LEAST_PURGE_DAYS = 7;

export function deletionHandlers(
  accounts: AccountsSurroundings,
  earlyPurge: 'refused' | 'allowed',
): Readonly<Record<DeletionRoute, Handler>> {
  const recorded = async ({ principal, address }: Call, what: Exclude<DeletionRoute, 'setHold'>): Promise<void> => {
    const { accountId, deviceId } = principal;
    const [now, ipPrefix] = [accounts.now(), prefixOf(address)];
    await recordAudit(accounts.database, { accountId, type: 'deleted', now, ipPrefix, deviceId, what });
  };
  const told = async ({ principal: { accountId } }: Call, notice: Notice): Promise<void> => {
    const { now, random, database } = accounts;
    await database.transaction(async (sql) => await addNotice(sql, { accountId, notice, now: now(), random }));
  };
  return {
    trash: async (call) => {
      await recorded(call, 'trash');
      await told(call, { kind: 'deletion', snapshots: seqsOf(call).length });
      return json({ changes: await call.custody.trash(vaultOf(call), seqsOf(call)) });
    },
    /** One that stands already was told of: whoever sets it again and again fills neither log nor mailbox. */
    setHold: async (call) => {
      const { accountId, deviceId } = call.principal;
      const standing = await call.custody.hold(vaultOf(call));
      if (standing !== undefined) return json(holdAnswer(standing));
      const hold = await call.custody.setHold(vaultOf(call), deviceId);
      const [now, ipPrefix] = [accounts.now(), prefixOf(call.address)];
      await recordAudit(accounts.database, { accountId, type: 'hold', now, ipPrefix, deviceId });
      await told(call, { kind: 'hold', device: deviceId === undefined ? undefined : shortId(deviceId) });
      return json(holdAnswer(hold));
    },
    collect: async (call) => {
      const options = call.json as schemas.AnswerOf<typeof schemas.CollectBody>;
      if (options.dryRun !== true) {
        if (earlyPurge === 'refused') await requireDelays(call, vaultOf(call), options);
        await recorded(call, 'collect');
      }
      return json(await call.custody.collect(vaultOf(call), options as CollectOptions));
    },
  };
}

/** Whoever stole a password must not be able to end at once what the delays are for. */
async function requireDelays(
  { custody }: Call,
  vault: VaultId,
  { trashDays, purgeDays }: { readonly trashDays?: number; readonly purgeDays?: number },
): Promise<void> {
  if (trashDays === undefined && purgeDays === undefined) return;
  const { policy } = vaultRecord(await keychainOf(custody), vault);
  const isEarly =
    (trashDays ?? policy.trashDays) < policy.trashDays || (purgeDays ?? LEAST_PURGE_DAYS) < LEAST_PURGE_DAYS;
  if (isEarly) throw new ServerError('refused', 'a server deletes nothing before the delays of the vault have passed');
}
