/** Which files have parity, where it lies, and how much they get (format.md §11). */
import { fromHex } from '@keephold/bytes';

export const PARITY = 'parity';
/** A second copy: these files are few and small, and one flipped bit in them stops everything. */
const COPY = 100;
const PACK = /^vaults\/[0-9a-f]{32}\/packs\/[0-9a-f]{2}\/[0-9a-f]{64}$/;
const NAMED_BY_HASH = /^(vaults\/[0-9a-f]{32}\/(packs|objects)\/[0-9a-f]{2}|account\/grants)\/(?<hash>[0-9a-f]{64})$/;
const RECORD =
  /^(account\/(keychain\/[0-9]{10}|slots\/[0-9a-f]{32}|keyring\/[0-9]{10})|vaults\/[0-9a-f]{32}\/((chain|holds)\/[0-9]{10}|refsets\/[0-9]{10}-[0-9a-f]{32}))$/;

export function parityName(name: string): string {
  return `${PARITY}/${name}`;
}

/** The file that a parity file is for. */
export function protectedName(parity: string): string {
  return parity.slice(PARITY.length + 1);
}

export function isPackName(name: string): boolean {
  return PACK.test(name);
}

/** The SHA-256 that a file must have by its name; undefined where the name does not say. */
export function hashInName(name: string): Uint8Array | undefined {
  const hash = NAMED_BY_HASH.exec(name)?.groups?.['hash'];
  return hash === undefined ? undefined : fromHex(hash);
}

/** Parity blocks for 100 data blocks. Undefined: the file has none (what can be made again, and what is foreign). */
export function percentFor(name: string, packPercent: number): number | undefined {
  if (isPackName(name)) return packPercent;
  return RECORD.test(name) || hashInName(name) !== undefined ? COPY : undefined;
}
