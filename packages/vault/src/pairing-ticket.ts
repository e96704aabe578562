/**
 * The ticket that adds a device (security.md §3.10): one string, made by an unlocked app and brought to the new device,
 * authenticates both ways. The server knows only its id.
 *
 * ```
 * ticket   = base64url(0x01 ‖ accountId 16 ‖ genesisHash 32 ‖ ticketSecret 32)
 * ticketId = Expand(ticketSecret, LBL("pair/id"), 16)
 * keys     = Expand(ticketSecret, LBL("pair/device") ‖ ticketId, 32)           MAC of the device's bundle
 *            Expand(ticketSecret, LBL("pair/device") ‖ ticketId ‖ 0x01, 32)    seals the device's name
 *            Expand(ticketSecret, LBL("pair/client") ‖ ticketId, 32)           MAC of grant and heads
 *            Expand(ticketSecret, LBL("pair/client") ‖ ticketId ‖ 0x01, 32)    MAC of what the device countersigns
 * ```
 */
import { BytesError, concatBytes, fromBase64Url, toBase64Url } from '@keephold/bytes';
import { equalConstantTime, expand, expandKey, hmacSha256, type Key, label, type RandomSource } from '@keephold/crypto';
import { type AccountId, asAccountId } from '@keephold/protocol';
import { VaultError } from './errors.ts';

const VERSION = 1;
const SECRET_LENGTH = 32;
const TICKET_LENGTH = 1 + 16 + 32 + SECRET_LENGTH;
const SECOND_USE = Uint8Array.of(1);

export interface PairingTicket {
  readonly accountId: AccountId;
  readonly genesisHash: Uint8Array;
  readonly secret: Uint8Array;
  /** 16 bytes: what the server is told. */
  readonly ticketId: Uint8Array;
}

export function createPairingTicket(
  account: { readonly accountId: AccountId; readonly genesisHash: Uint8Array },
  random: RandomSource,
): PairingTicket {
  return withId({ ...account, secret: random(SECRET_LENGTH) });
}

/** 108 characters, for a QR code or to be pasted. */
export function formatPairingTicket({ accountId, genesisHash, secret }: PairingTicket): string {
  return toBase64Url(concatBytes(Uint8Array.of(VERSION), accountId, genesisHash, secret));
}

/** @throws VaultError `bad-ticket`; the message does not repeat what was typed. */
export function parsePairingTicket(text: string): PairingTicket {
  const bytes = decoded(text.trim());
  if (bytes?.length !== TICKET_LENGTH || bytes[0] !== VERSION) {
    throw new VaultError('bad-ticket', 'read pairing ticket: it is not one, or not whole');
  }
  return withId({
    accountId: asAccountId(bytes.slice(1, 17)),
    genesisHash: bytes.slice(17, 49),
    secret: bytes.slice(49),
  });
}

type PairingUse = 'bundle' | 'heads' | 'draft';

export function pairingMac(ticket: PairingTicket, use: PairingUse, ...parts: readonly Uint8Array[]): Uint8Array {
  const info = {
    bundle: [label('pair/device'), ticket.ticketId],
    heads: [label('pair/client'), ticket.ticketId],
    draft: [label('pair/client'), ticket.ticketId, SECOND_USE],
  }[use];
  return hmacSha256(expandKey('MacKey', ticket.secret, ...info), ...parts);
}

/** @throws VaultError `pairing-altered` */
export function requirePairingMac(
  ticket: PairingTicket,
  use: PairingUse,
  claim: { readonly mac: Uint8Array; readonly parts: readonly Uint8Array[] },
): void {
  if (equalConstantTime(pairingMac(ticket, use, ...claim.parts), claim.mac)) return;
  throw new VaultError('pairing-altered', 'pair device: what arrived was not sent by who holds the ticket');
}

export function pairingNameKey(ticket: PairingTicket): Key<'NamesKey'> {
  return expandKey('NamesKey', ticket.secret, label('pair/device'), ticket.ticketId, SECOND_USE);
}

function withId(parts: Omit<PairingTicket, 'ticketId'>): PairingTicket {
  return { ...parts, ticketId: expand(parts.secret, label('pair/id'), 16) };
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64Url(text);
  } catch (error) {
    if (error instanceof BytesError) return undefined;
    throw error;
  }
}
