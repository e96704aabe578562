/** Changing what a vault keeps (security.md §6.2), signed by the owner. */
import type { AccountCustody, DeviceId, VaultId, VaultPolicy } from '@keephold/protocol';
import { appendToKeychain } from './keychain-append.ts';
import type { Unlocked } from './unlocked.ts';

export interface OwnerActOptions {
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain'>;
  readonly vaultId: VaultId;
  /** Unix milliseconds. */
  readonly now: number;
}

export async function setPolicy(unlocked: Unlocked, policy: VaultPolicy, options: OwnerActOptions): Promise<Unlocked> {
  const { custody, vaultId, now } = options;
  const { keychain, identity } = unlocked;
  const body = { kind: 'set-policy', vaultId, policy } as const;
  return { ...unlocked, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
}

/** Lets these snapshots go before their time (security.md §6.1 R4): readers would take their removal for an attack. */
export async function requestDeletion(
  unlocked: Unlocked,
  snapshots: readonly number[],
  options: OwnerActOptions,
): Promise<Unlocked> {
  const { custody, vaultId, now } = options;
  const { keychain, identity } = unlocked;
  const body = { kind: 'delete-request', vaultId, snapshots: [...snapshots].sort((a, b) => a - b) } as const;
  return { ...unlocked, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
}

/** Lets deletion go on in the vault: holds that were set until now are over (security.md §6.3). */
export async function releaseHold(unlocked: Unlocked, options: OwnerActOptions): Promise<Unlocked> {
  const { custody, vaultId, now } = options;
  const { keychain, identity } = unlocked;
  const body = { kind: 'release-hold', vaultId } as const;
  return { ...unlocked, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
}

/** Lets `device` rely on what the trusted devices stored (security.md §3.4 P1): a computer that takes over a vault. */
export async function trustForDedup(
  unlocked: Unlocked,
  trust: { readonly deviceId: DeviceId; readonly trusted: readonly DeviceId[] },
  options: Omit<OwnerActOptions, 'vaultId'>,
): Promise<Unlocked> {
  const { custody, now } = options;
  const { keychain, identity } = unlocked;
  const body = { kind: 'trust-dedup', ...trust } as const;
  return { ...unlocked, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
}
