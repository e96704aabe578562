/** `keephold device join`: this computer becomes a device of the account that the ticket is of. */
import { toHex } from '@keephold/bytes';
import { parsePairingTicket } from '@keephold/vault';
import { DeviceStore } from '../../access/device-store.ts';
import { requireNotSignedIn } from '../../access/not-signed-in.ts';
import { isServer, repositoryPlace } from '../../access/repository-folder.ts';
import { ServerFile } from '../../access/server-file.ts';
import type { Context } from '../../context.ts';
import { UsageError } from '../../errors.ts';
import { TICKET_LIFETIME } from './await-message.ts';
import { joinAccount } from './join-account.ts';

export async function joinHere(context: Context, given: string | undefined): Promise<void> {
  const { environment, out, signal } = context;
  const origin = repositoryPlace(context);
  if (!isServer(origin)) throw new UsageError('devices join at servers', 'name one: --repo https://SERVER');
  await requireNotSignedIn(context, origin);
  const ticket = parsePairingTicket(given ?? (await askedTicket(context)));
  const now = (): number => context.now();
  const patience = { signal, now, until: now() + TICKET_LIFETIME };
  const { state, account } = await joinAccount({ origin, ticket, name: environment.hostname, patience });
  const store = new DeviceStore(environment, account.accountId);
  const keystore = await store.create(state);
  new ServerFile(environment, origin).save(account);
  const readKeyPlace = state.role === 'trusted' ? (keystore ?? store.folder) : null;
  const fields = { server: origin, accountId: toHex(account.accountId), deviceId: toHex(state.deviceId) };
  const may = readKeyPlace === null ? 'it backs up only; reading asks for the password' : 'it may read';
  await out.answer(`this device is in at ${origin}; ${may}`, {
    type: 'joined',
    ...fields,
    role: state.role,
    readKeyPlace,
  });
}

async function askedTicket({ terminal }: Context): Promise<string> {
  if (terminal.canAsk) return await terminal.askSecret('the ticket: ');
  throw new UsageError('the ticket is needed, and there is no terminal to ask on', 'write it behind join');
}
