/** Where each thing lies in a repository folder (format.md §10). Names are lower-case hex or decimal numbers of ten digits. */
import { toHex } from '@keephold/bytes';
import type { ObjectName, PackId, VaultId } from '@keephold/protocol';

export const MARKER = 'keephold.format';
export const README = 'readme.txt';
export const LEDGER = 'ledger.sqlite';
export const VAULTS = 'vaults';
export const KEYCHAIN = 'account/keychain';
export const SLOTS = 'account/slots';
export const KEYRINGS = 'account/keyring';

const NUMBER_DIGITS = 10;

function number(value: number): string {
  return String(value).padStart(NUMBER_DIGITS, '0');
}

export function keychainEntryName(seq: number): string {
  return `${KEYCHAIN}/${number(seq)}`;
}

export function slotName(slotId: Uint8Array): string {
  return `${SLOTS}/${toHex(slotId)}`;
}

export function keyringName(generation: number): string {
  return `${KEYRINGS}/${number(generation)}`;
}

/** At a second site: a keyring that was replaced there. */
export function keyringCopyName(generation: string, hash: Uint8Array): string {
  return `account/replaced/keyring-${generation}-${toHex(hash.subarray(0, 16))}`;
}

export const GRANTS = 'account/grants';

export function grantName(name: ObjectName): string {
  return `${GRANTS}/${toHex(name)}`;
}

function vaultFolder(vault: VaultId): string {
  return `${VAULTS}/${toHex(vault)}`;
}

export function packsFolder(vault: VaultId): string {
  return `${vaultFolder(vault)}/packs`;
}

export function objectsFolder(vault: VaultId): string {
  return `${vaultFolder(vault)}/objects`;
}

export function refsetsFolder(vault: VaultId): string {
  return `${vaultFolder(vault)}/refsets`;
}

export function packName(vault: VaultId, id: PackId): string {
  const hex = toHex(id);
  return `${packsFolder(vault)}/${hex.slice(0, 2)}/${hex}`;
}

/** Where a pack lies whose bytes are not those of its name. */
export function damagedPackName(vault: VaultId, id: PackId): string {
  return `${damagedFolder(vault)}/${toHex(id)}`;
}

/** Where a commit lies that could not be read and was given up; `hash`: of these bytes. */
export function damagedCommitName(vault: VaultId, seq: number, hash: Uint8Array): string {
  return `${damagedFolder(vault)}/commit-${number(seq)}-${toHex(hash.subarray(0, 16))}`;
}

export function damagedFolder(vault: VaultId): string {
  return `${vaultFolder(vault)}/damaged`;
}

export function objectName(vault: VaultId, name: ObjectName): string {
  const hex = toHex(name);
  return `${objectsFolder(vault)}/${hex.slice(0, 2)}/${hex}`;
}

export function holdsFolder(vault: VaultId): string {
  return `${vaultFolder(vault)}/holds`;
}

/** `keychainSeq`: of the last entry when it was set. */
export function holdName(vault: VaultId, keychainSeq: number): string {
  return `${holdsFolder(vault)}/${number(keychainSeq)}`;
}

export function chainFolder(vault: VaultId): string {
  return `${vaultFolder(vault)}/chain`;
}

export function chainName(vault: VaultId, seq: number): string {
  return `${chainFolder(vault)}/${number(seq)}`;
}

/** The hash in the name lets no loser of a race for `seq` touch the winner's record. */
export function recordName(vault: VaultId, seq: number, commitHash: Uint8Array): string {
  return `${refsetsFolder(vault)}/${number(seq)}-${toHex(commitHash.subarray(0, 16))}`;
}
