/** Account records over HTTP. */
import {
  type AccountsSurroundings,
  accountName,
  auditEntries,
  dropRecovery,
  passwordSlot,
  prefixOf,
  recordAudit,
} from '@keephold/accounts';
import { addNotice, type Notice, shortId } from '@keephold/accounts/notices';
import { fromHex, toBase64Url } from '@keephold/bytes';
import { sha256, verifyStrict } from '@keephold/crypto/verify';
import {
  type AccountId,
  asObjectName,
  type Custody,
  deviceFingerprintInput,
  type KeychainBody,
  type KeychainState,
  parseKeychainEntry,
  walkKeychain,
} from '@keephold/protocol';
import type { Authority } from '../authority.ts';
import { bytesOrAbsent, type Call, EMPTY, frames, type Handler, json } from './handler.ts';

export type AccountRoute =
  | 'account'
  | 'accountUsage'
  | 'keychain'
  | 'appendKeychain'
  | 'slots'
  | 'putSlot'
  | 'removeSlot'
  | 'keyring'
  | 'putKeyring'
  | 'grant'
  | 'putGrant'
  | 'accountLog';

export function accountHandlers(
  authority: Authority,
  accounts: AccountsSurroundings,
): Readonly<Record<AccountRoute, Handler>> {
  return {
    account: async ({ principal, custody }) =>
      json({
        accountId: toBase64Url(principal.accountId),
        name: (await accountName(accounts, principal.accountId)) ?? '',
        writerCanDestroy: principal.role === 'unlocked' && custody.properties.writerCanDestroy,
      }),
    accountUsage: async ({ custody }) => json(await custody.accountUsage()),
    keychain: async ({ custody, query }) => frames(await custody.keychain(query['from'] ?? 0)),
    appendKeychain: async (call) => await appendKeychain(call, authority, accounts),
    slots: async ({ custody, principal }) => {
      const password = await passwordSlot(accounts, principal.accountId);
      return frames([...(await custody.slots()), ...(password === undefined ? [] : [password])]);
    },
    putSlot: async (call) => {
      await call.custody.putSlot(slotOf(call), call.bytes);
      return EMPTY;
    },
    removeSlot: async (call) => {
      await call.custody.removeSlot(slotOf(call));
      return EMPTY;
    },
    keyring: async ({ custody }) => bytesOrAbsent(await custody.keyring()),
    putKeyring: async ({ custody, bytes }) => {
      await custody.putKeyring(bytes);
      return EMPTY;
    },
    grant: async (call) => bytesOrAbsent(await call.custody.grant(grantOf(call))),
    putGrant: async (call) => {
      await call.custody.putGrant(grantOf(call), call.bytes);
      return EMPTY;
    },
    accountLog: async ({ principal, query }) =>
      frames(
        await accounts.database.read(async (sql) => await auditEntries(sql, principal.accountId, query['from'] ?? 0)),
      ),
  };
}

/** An entry that was there already changes nothing: whoever sends it again ends no session and fills no log. */
async function appendKeychain(call: Call, authority: Authority, accounts: AccountsSurroundings) {
  const { custody, bytes, principal, address } = call;
  const { seq, body } = parseKeychainEntry(bytes).entry;
  const isNew = (await custody.keychain(seq)).length === 0;
  const outcome = await custody.appendKeychain(bytes);
  if (!isNew || outcome !== 'appended') return json({ outcome });
  await authority.accountChanged(principal);
  const { accountId, deviceId } = principal;
  const [now, ipPrefix] = [accounts.now(), prefixOf(address)];
  await recordAudit(accounts.database, { accountId, type: 'keychain', now, ipPrefix, deviceId, what: body.kind });
  await tellOf(accounts, accountId, body);
  if (body.kind === 'remove-slot') await dropRecovery(accounts, await keychainOf(custody));
  return json({ outcome });
}

/** What an owner has to hear of, whoever did it. */
async function tellOf(accounts: AccountsSurroundings, accountId: AccountId, body: KeychainBody): Promise<void> {
  const { now, random, database } = accounts;
  const notice = noticeOf(body);
  if (notice === undefined) return;
  await database.transaction(async (sql) => await addNotice(sql, { accountId, notice, now: now(), random }));
}

function noticeOf(body: KeychainBody): Notice | undefined {
  switch (body.kind) {
    case 'add-device':
      return { kind: 'device', device: shortId(sha256(...deviceFingerprintInput(body.bundle))) };
    case 'revoke-device':
      return { kind: 'access', what: 'revoked' };
    case 'set-policy':
      return { kind: 'access', what: 'policy' };
    case 'add-slot':
      // That of a password comes with the password, which is told of by itself.
      return body.method === 'opaque' ? undefined : { kind: 'access', what: 'way-in' };
    case 'delete-request':
      return { kind: 'deletion', snapshots: body.snapshots.length };
    default:
      return undefined;
  }
}

export async function keychainOf(custody: Custody): Promise<KeychainState> {
  return walkKeychain(await custody.keychain(0), { sha256, verify: verifyStrict });
}

function slotOf({ params }: Call): Uint8Array {
  return fromHex(String(params['slot']));
}

function grantOf({ params }: Call): ReturnType<typeof asObjectName> {
  return asObjectName(fromHex(String(params['grant'])));
}
