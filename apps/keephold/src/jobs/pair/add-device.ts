/** `keephold device invite`: the conversation with the owner around the app's side of pairing. */
import type { ChainPin, Custody, DeviceRole } from '@keephold/protocol';
import { requireVault } from '../../access/open-device.ts';
import { ServerCustody } from '../../access/server-custody.ts';
import { requireOwner } from '../../access/unlock.ts';
import type { Context } from '../../context.ts';
import { CommandError, exitCodes, UsageError } from '../../errors.ts';
import { printable } from '../../terminal/printable.ts';
import { verifiedHead } from '../devices.ts';
import { TICKET_LIFETIME } from './await-message.ts';
import { inviteDevice } from './invite-device.ts';

export interface DeviceWish {
  readonly custody: Custody;
  /** The newest commit that this machine has seen. */
  readonly headPin: ChainPin | undefined;
  readonly role: DeviceRole;
}

export async function addDevice(context: Context, { custody, headPin: pin, role }: DeviceWish): Promise<void> {
  const { out, signal, terminal } = context;
  if (!(custody instanceof ServerCustody)) {
    throw new UsageError(
      'devices are invited to servers',
      'in a folder the first backup of a device adds it, with the password',
    );
  }
  const unlocked = await requireOwner(context, custody, 'adding a device needs the password');
  const { keychain } = unlocked;
  const vaultId = requireVault(keychain);
  const headPin = await verifiedHead({ custody, keychain, vaultId, pin });
  const now = (): number => context.now();
  const added = await inviteDevice({
    ...{ custody, unlocked, role, vaultId, headPin, patience: { signal, now, until: now() + TICKET_LIFETIME } },
    onTicket: async (ticket) => await tellTicket(context, custody, ticket),
    approve: async (name) =>
      !terminal.canAsk || /^y/i.test(await terminal.ask(`"${printable(name)}" wants in; add it? (yes or no) `)),
  });
  if (added === undefined) {
    throw new CommandError('the device was not added', { code: 'not-approved', exitCode: exitCodes.failed });
  }
  const { id, name } = added;
  const may = role === 'trusted' ? 'backs up and reads' : 'backs up';
  await out.answer(`added ${printable(name)} (${id.slice(0, 8)}), which ${may}`, {
    type: 'device-added',
    id,
    name,
    role,
  });
}

async function tellTicket({ out }: Context, { origin }: ServerCustody, ticket: string): Promise<void> {
  await out.record({ type: 'ticket', ticket });
  await out.result(`on the new device, within ten minutes:\n  keephold device join --repo ${origin} ${ticket}`);
  await out.flush();
}
