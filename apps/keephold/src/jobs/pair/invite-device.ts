/** The app's side of adding a device by ticket (security.md §3.10): its owner has given the password just now. */
import { toHex } from '@keephold/bytes';
import { type AppMailbox, openAppMailbox } from '@keephold/client';
import { systemRandom } from '@keephold/crypto';
import type { ChainPin, DeviceRole, VaultId } from '@keephold/protocol';
import {
  type Approval,
  appendDevice,
  createPairingTicket,
  decodePairingOffer,
  draftDevice,
  encodePairingDraft,
  encodePairingHeads,
  formatPairingTicket,
  type PairingTicket,
  readOffer,
  refreshKeychain,
  type Unlocked,
} from '@keephold/vault';
import type { ServerCustody } from '../../access/server-custody.ts';
import { awaitMessage, type Patience } from './await-message.ts';

export interface Invitation {
  readonly custody: ServerCustody;
  readonly unlocked: Unlocked;
  readonly role: DeviceRole;
  readonly vaultId: VaultId;
  readonly headPin: ChainPin | undefined;
  readonly patience: Patience;
  /** Told the ticket: to be brought to the device. */
  readonly onTicket: (ticket: string) => Promise<void>;
  /** Whether the device that came is the one that is meant; its name is its own word. */
  readonly approve: (name: string) => Promise<boolean>;
}

export interface AddedDevice {
  readonly id: string;
  readonly name: string;
}

/** Undefined when the owner did not approve. @throws VaultError `pairing-altered` */
export async function inviteDevice(invitation: Invitation): Promise<AddedDevice | undefined> {
  const { custody, unlocked, patience, approve } = invitation;
  const { genesisHash } = unlocked.secret;
  const ticket = createPairingTicket({ accountId: unlocked.accountId, genesisHash }, systemRandom);
  const mailbox = await openAppMailbox(custody.transport, ticket.ticketId);
  await invitation.onTicket(formatPairingTicket(ticket));
  const offer = decodePairingOffer(await awaitMessage(async () => await mailbox.read('offer'), patience));
  const { deviceId, name } = await readOffer(ticket, offer);
  if (!(await approve(name))) return undefined;
  await add(invitation, { ticket, mailbox, offer });
  return { id: toHex(deviceId), name };
}

interface Offered extends Pick<Approval, 'ticket' | 'offer'> {
  readonly ticket: PairingTicket;
  readonly mailbox: AppMailbox;
}

/** Again from the draft on when another entry was first. */
async function add(invitation: Invitation, { ticket, offer, mailbox }: Offered): Promise<void> {
  const { custody, role, vaultId, headPin, patience } = invitation;
  let { unlocked } = invitation;
  for (;;) {
    const now = patience.now();
    const approval = { ticket, offer, role, vaultId, headPin, custody, now, random: systemRandom };
    const draft = await draftDevice(unlocked, approval);
    await mailbox.send('draft', encodePairingDraft(draft));
    const countersignature = await awaitMessage(async () => await mailbox.read('answer'), patience);
    const paired = await appendDevice(unlocked, approval, { draft, countersignature });
    if (paired !== undefined) return await mailbox.send('heads', encodePairingHeads(paired.heads));
    unlocked = { ...unlocked, keychain: await refreshKeychain(custody, unlocked.keychain) };
  }
}
