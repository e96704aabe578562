/** The new device's side of pairing (security.md §3.10): it has a ticket and nothing else, no password and no account. */
import { accountNameOn, deviceMailbox, HttpCustody, requireServerId, serverIdOf } from '@keephold/client';
import { ed25519FromSeed, sign, systemRandom } from '@keephold/crypto';
import {
  countersign,
  type DeviceKeys,
  type DeviceState,
  decodePairingDraft,
  decodePairingHeads,
  encodePairingOffer,
  finishPairing,
  generateDeviceKeys,
  offerDevice,
  openDevice,
  type PairingHeads,
  type PairingTicket,
} from '@keephold/vault';
import { transportTo } from '../../access/server-custody.ts';
import type { ServerAccount } from '../../access/server-file.ts';
import { awaitMessage, type Patience } from './await-message.ts';

export interface Joining {
  readonly origin: string;
  readonly ticket: PairingTicket;
  /** What this device calls itself. */
  readonly name: string;
  readonly patience: Patience;
}

export interface Joined {
  /** To be persisted. */
  readonly state: DeviceState;
  readonly account: ServerAccount;
}

/** @throws VaultError `pairing-altered`; RollbackError, ForkError for a keychain that is not the one of the ticket. */
export async function joinAccount(joining: Joining): Promise<Joined> {
  const { origin, ticket } = joining;
  const keys = await generateDeviceKeys(systemRandom);
  const heads = await beAdded(joining, keys);
  const { accountId } = ticket;
  const serverId = await serverIdOf(origin);
  const { publicKey } = ed25519FromSeed(keys.signingSeed);
  const signing = (message: Uint8Array): Uint8Array => sign(keys.signingSeed, message);
  const transport = transportTo(
    origin,
    { accountId },
    { device: { deviceId: keys.deviceId, publicKey, serverId, sign: signing } },
  );
  await using custody = new HttpCustody(transport);
  const state = await finishPairing(ticket, keys, { heads, custody });
  const { keychain } = await openDevice(custody, state);
  requireServerId(serverId, keychain.eventKey ?? new Uint8Array(0));
  return { state, account: { accountId, serverId, name: await accountNameOn(transport) } };
}

/** Signs each draft that the app sends, until the app says that the device is in. */
async function beAdded({ origin, ticket, name, patience }: Joining, keys: DeviceKeys): Promise<PairingHeads> {
  const mailbox = deviceMailbox(origin, ticket.ticketId);
  await mailbox.send('offer', encodePairingOffer(await offerDevice(ticket, { keys, name, random: systemRandom })));
  let answered = '';
  return await awaitMessage(async () => {
    const draft = await mailbox.read('draft');
    const isNew = draft !== undefined && String(draft) !== answered;
    if (isNew) {
      answered = String(draft);
      await mailbox.send('answer', countersign(ticket, keys, decodePairingDraft(draft)));
    }
    const heads = await mailbox.read('heads');
    return heads && decodePairingHeads(heads);
  }, patience);
}
