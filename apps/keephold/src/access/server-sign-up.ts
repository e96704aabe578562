/** A new account on a server, by invitation: made here, so that the server gets only what it cannot open. */
import { signUpOn } from '@keephold/client';
import { systemRandom } from '@keephold/crypto';
import { asAccountId, type DeviceRole, ID_LENGTH } from '@keephold/protocol';
import { type CreatedAccount, createServerAccount, recoveryEntry } from '@keephold/vault';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { ServerFile } from './server-file.ts';

export interface NewServerAccount {
  readonly origin: string;
  /** Empty where the server takes anybody. */
  readonly invitation: string;
  readonly name: string;
  readonly password: string;
  readonly role: DeviceRole;
}

/** @throws CommandError when this computer has an account there already; HttpError 'sign-up-refused' */
export async function signUp(context: Context, wanted: NewServerAccount): Promise<CreatedAccount> {
  const { environment } = context;
  const { origin, invitation, name, password, role } = wanted;
  const file = new ServerFile(environment, origin);
  if (file.load() !== undefined) throw signedInAlready(origin, file.path);
  const accountId = asAccountId(systemRandom(ID_LENGTH));
  const made: { account?: CreatedAccount; serverId?: Uint8Array } = {};
  await signUpOn(origin, { invitation, name, password, accountId }, async ({ serverId, ...keys }) => {
    const names = { device: environment.hostname };
    const random = systemRandom;
    const account = await createServerAccount({ accountId, ...keys, now: context.now(), random, role, names });
    Object.assign(made, { account, serverId });
    return await recordsOf(account);
  });
  const { account, serverId } = made as Required<typeof made>;
  file.save({ accountId, serverId, name });
  return account;
}

async function recordsOf(account: CreatedAccount): Promise<Awaited<ReturnType<Parameters<typeof signUpOn>[2]>>> {
  const { accountId, sealedKeyring: keyring, keychainEntries: keychain, slots, words } = account;
  const [password, recovery] = slots;
  if (password === undefined) throw new Error('an account without a password');
  const entry =
    recovery === undefined || words === undefined
      ? undefined
      : { ...(await recoveryEntry(words, accountId)), slotId: recovery.slotId };
  return { keyring, keychain, slots, passwordSlotId: password.slotId, recovery: entry };
}

export function signedInAlready(origin: string, path: string): CommandError {
  return new CommandError(`this computer is signed in at ${origin} already`, {
    code: 'refused',
    exitCode: exitCodes.failed,
    hint: `keephold snapshots --repo ${origin} shows what is there; to begin anew, remove ${path} first`,
  });
}
