/**
 * The messages of pairing as a server carries them (security.md §3.10), each a CBOR map; the answer is the signature alone.
 *
 * ```
 * offer  {0:1, 1:bundle, 2:sealed name, 3:MAC}
 * draft  {0:1, 1:bundle, 2:role (1 backup-only, 2 trusted), 3:[vaultId], 4:[grant name], 5:sealed name?, 6:MAC}
 * heads  {0:1, 1:grant name, 2:[keychain seq, hash], 3:vaultId, 4:[head seq, hash]?, 5:MAC}
 * ```
 */
import { type CborValue, encodeCbor } from '@keephold/bytes';
import {
  asObjectName,
  asVaultId,
  BUNDLE_LENGTH,
  type ChainPin,
  type DeviceRole,
  decodeRecord,
  HASH_LENGTH,
  ID_LENGTH,
  type RecordFields,
} from '@keephold/protocol';
import { readPin } from './keyring.ts';
import type { PairingDraft, PairingHeads, PairingOffer } from './pair-device.ts';

const VERSION = 1;
const ROLES: readonly (DeviceRole | undefined)[] = [undefined, 'backup-only', 'trusted'];
/** Far above any sealed name. */
const LONGEST_NAME = 4096;

export function encodePairingOffer({ bundle, sealedName, mac }: PairingOffer): Uint8Array<ArrayBuffer> {
  return encodeCbor(
    new Map<number, CborValue>([
      [0, VERSION],
      [1, bundle],
      [2, sealedName],
      [3, mac],
    ]),
  );
}

/** @throws MalformedRecordError; these three. The MAC is for `pair-device.ts`. */
export function decodePairingOffer(bytes: Uint8Array): PairingOffer {
  const fields = begun(bytes, 'pairing offer');
  const offer = {
    bundle: fields.bytes(1, BUNDLE_LENGTH),
    sealedName: fields.bytes(2, undefined, LONGEST_NAME),
    mac: fields.bytes(3, HASH_LENGTH),
  };
  fields.end();
  return offer;
}

export function encodePairingDraft({ fields, mac }: PairingDraft): Uint8Array<ArrayBuffer> {
  const { bundle, role, vaults, grants, sealedName } = fields;
  const map = new Map<number, CborValue>([
    [0, VERSION],
    [1, bundle],
    [2, ROLES.indexOf(role)],
    [6, mac],
  ]);
  if (vaults.length > 0) map.set(3, vaults);
  if (grants.length > 0) map.set(4, grants);
  if (sealedName !== undefined) map.set(5, sealedName);
  return encodeCbor(map);
}

export function decodePairingDraft(bytes: Uint8Array): PairingDraft {
  const fields = begun(bytes, 'pairing draft');
  const draft = {
    fields: {
      bundle: fields.bytes(1, BUNDLE_LENGTH),
      role: ROLES[fields.uint(2, 1, ROLES.length - 1)] as DeviceRole,
      vaults: fields.idList(3, ID_LENGTH).map(asVaultId),
      grants: fields.idList(4, HASH_LENGTH).map(asObjectName),
      sealedName: fields.optionalBytes(5, undefined, LONGEST_NAME),
    },
    mac: fields.bytes(6, HASH_LENGTH),
  };
  fields.end();
  return draft;
}

export function encodePairingHeads({ grant, keychain, vault, mac }: PairingHeads): Uint8Array<ArrayBuffer> {
  const map = new Map<number, CborValue>([
    [0, VERSION],
    [1, grant],
    [2, pinValue(keychain)],
    [3, vault.vaultId],
    [5, mac],
  ]);
  if (vault.head !== undefined) map.set(4, pinValue(vault.head));
  return encodeCbor(map);
}

export function decodePairingHeads(bytes: Uint8Array): PairingHeads {
  const fields = begun(bytes, 'pairing heads');
  const heads = {
    grant: asObjectName(fields.bytes(1, HASH_LENGTH)),
    keychain: readPin(fields, 2),
    vault: { vaultId: asVaultId(fields.bytes(3, ID_LENGTH)), head: fields.has(4) ? readPin(fields, 4) : undefined },
    mac: fields.bytes(5, HASH_LENGTH),
  };
  fields.end();
  return heads;
}

function begun(bytes: Uint8Array, what: string): RecordFields {
  const fields = decodeRecord(bytes, what);
  fields.uint(0, VERSION, VERSION);
  return fields;
}

function pinValue({ seq, hash }: ChainPin): CborValue {
  return [seq, hash];
}
