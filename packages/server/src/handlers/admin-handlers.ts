/** What admins do: invite, and see who uses how much. Of what is kept they see no more than anybody who runs a server. */
import {
  type AccountSummary,
  type AccountsSurroundings,
  accountRole,
  invite,
  listAccounts,
  openInvitations,
  prefixOf,
  recordAudit,
  setSuspension,
  withdrawInvitation,
} from '@keephold/accounts';
import { addNotice } from '@keephold/accounts/notices';
import { fromHex, toBase64Url, toHex } from '@keephold/bytes';
import type { DamageList } from '@keephold/custody';
import { type AccountId, type Custody, CustodyError } from '@keephold/protocol';
import type { schemas } from '@keephold/protocol/http';
import type { Authority } from '../authority.ts';
import { ServerError } from '../errors.ts';
import type { AccountKeeper } from '../keeper.ts';
import { keychainOf } from './account-handlers.ts';
import { type Call, EMPTY, type Handler, json } from './handler.ts';

export type AdminRoute = 'invite' | 'invitations' | 'withdrawInvitation' | 'users' | 'setSuspension' | 'testNotices';

const DAY = 24 * 3_600_000;

export interface AdminParts {
  readonly keeper: AccountKeeper;
  readonly damage: DamageList | undefined;
  readonly authority: Authority;
}

export function adminHandlers(
  accounts: AccountsSurroundings,
  { keeper, damage, authority }: AdminParts,
): Readonly<Record<AdminRoute, Handler>> {
  return {
    invite: async (call) => {
      await requireAdmin(accounts, call);
      const { days } = call.json as schemas.InviteBody;
      const { database, random } = accounts;
      const now = accounts.now();
      const wanted = { now, expiresAt: now + days * DAY, random };
      const invitation = await database.transaction(async (sql) => await invite(sql, wanted));
      const { accountId } = call.principal;
      await recordAudit(database, { accountId, type: 'invited', now, ipPrefix: prefixOf(call.address) });
      return json(invitation);
    },
    testNotices: async (call) => {
      await requireAdmin(accounts, call);
      const { database, random, now } = accounts;
      const { accountId } = call.principal;
      const notice = { kind: 'test' } as const;
      await database.transaction(async (sql) => await addNotice(sql, { accountId, notice, now: now(), random }));
      return EMPTY;
    },
    invitations: async (call) => {
      await requireAdmin(accounts, call);
      const open = await accounts.database.read(async (sql) => await openInvitations(sql, accounts.now()));
      return json({ invitations: open.map(({ id, ...times }) => ({ id: toBase64Url(id), ...times })) });
    },
    withdrawInvitation: async (call) => {
      await requireAdmin(accounts, call);
      const id = fromHex(String(call.params['invitation']));
      const { database } = accounts;
      if (!(await database.transaction(async (sql) => await withdrawInvitation(sql, id)))) {
        throw new ServerError('not-found', 'there is no such invitation, or it was used');
      }
      const { accountId } = call.principal;
      const event = { type: 'invitation-withdrawn', now: accounts.now(), ipPrefix: prefixOf(call.address) } as const;
      await recordAudit(database, { accountId, ...event });
      return EMPTY;
    },
    setSuspension: async (call) => {
      await requireAdmin(accounts, call);
      const { account, suspended } = call.json as schemas.SuspensionBody;
      const to = suspended ? 'suspended' : 'active';
      const { principal, address } = call;
      const changed = await setSuspension(accounts, { account, by: principal.accountId, address, to });
      if (changed !== undefined) authority.forget(changed);
      return EMPTY;
    },
    users: async (call) => {
      await requireAdmin(accounts, call);
      const users: User[] = [];
      const damaged = new Map((await damage?.byAccount())?.map(({ accountId, items }) => [toHex(accountId), items]));
      for (const account of await listAccounts(accounts)) {
        users.push({ ...(await userOf(account, keeper)), ...damagedOf(damaged, account.accountId) });
      }
      return json({ users });
    },
  };
}

/** @throws ServerError 'forbidden' */
export async function requireAdmin(accounts: AccountsSurroundings, { principal }: Call): Promise<void> {
  if ((await accountRole(accounts, principal.accountId)) === 'admin') return;
  throw new ServerError('forbidden', 'only an admin of this server may do this');
}

function damagedOf(damaged: ReadonlyMap<string, number>, id: AccountId): Pick<User, 'damaged'> {
  const items = damaged.get(toHex(id));
  return items === undefined ? {} : { damaged: items };
}

type User = schemas.AnswerOf<typeof schemas.UsersAnswer>['users'][number];

async function userOf(account: AccountSummary, keeper: AccountKeeper): Promise<User> {
  const { accountId, name, createdAt, role, suspendedAt } = account;
  const suspended = suspendedAt !== undefined && { suspendedAt };
  const own = { accountId: toBase64Url(accountId), name, createdAt, isAdmin: role === 'admin', ...suspended };
  try {
    return { ...own, ...(await keeper.use(accountId, countsOf)) };
  } catch (error) {
    // One account that is damaged hides nobody else.
    if (!(error instanceof CustodyError)) throw error;
    return { ...own, devices: 0, snapshots: 0, bytes: 0, isUnreadable: true };
  }
}

async function countsOf(
  custody: Custody,
): Promise<Pick<User, 'devices' | 'snapshots' | 'bytes' | 'plan' | 'limit' | 'lastBackup'>> {
  const keychain = await keychainOf(custody);
  const devices = [...keychain.devices.values()].filter(({ revokedSeq }) => revokedSeq === undefined).length;
  const { storedBytes: bytes, quota } = await custody.accountUsage();
  let [snapshots, last] = [0, 0];
  for (const { vaultId } of keychain.vaults.values()) {
    for (const { state, receivedAt } of await custody.snapshots(vaultId)) {
      if (state === 'active') snapshots++;
      last = Math.max(last, receivedAt);
    }
  }
  const allowed = quota && { plan: quota.plan, limit: quota.limit };
  return { devices, snapshots, bytes, ...allowed, ...(last > 0 && { lastBackup: last }) };
}
