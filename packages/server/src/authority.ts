/**
 * The one interface between the routes and whoever knows accounts: from a request to a principal, and from a principal
 * to what it may do (security.md §3.3). Routes ask nothing else.
 */
import { equalBytes } from '@keephold/bytes';
import type { AccountId, DeviceId, VaultId } from '@keephold/protocol';
import type { Action } from '@keephold/protocol/http';

/** What a request says about who sent it. The body is not part of it: see `bodyDigest`. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** The Host header. */
  readonly host: string;
  /** `DPoP TOKEN`. */
  readonly authorization: string | undefined;
  /** The DPoP header. */
  readonly proof: string | undefined;
}

/** backup-only, trusted: a device as the keychain has it. unlocked: an app that has just shown that it holds the account's identity key. */
export type Role = 'backup-only' | 'trusted' | 'unlocked';

export interface Principal {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly role: Role;
  /** Those the device was granted; an unlocked app has all of them. */
  readonly vaults: readonly VaultId[] | 'all';
}

export interface Authenticated {
  readonly principal: Principal;
  /** SHA-256 of the body as the proof has it; the route compares. Undefined when the proof names none. */
  readonly bodyDigest: Uint8Array | undefined;
}

export interface Authority {
  /** @throws ServerError 'unauthenticated', with the same text whatever is wrong. */
  authenticate(request: SignedRequest): Promise<Authenticated>;
  /** What the account's keychain says has changed: sessions of the account are looked at anew before they are believed. */
  accountChanged(accountId: AccountId): void;
}

const everyone: readonly Role[] = ['backup-only', 'trusted', 'unlocked'];

/** Who may do what. A row missing is a type error; nothing is allowed that does not stand here. */
const allowedRoles: Readonly<Record<Action, readonly Role[]>> = {
  write: everyone,
  'read-own-vault': everyone,
  'read-keychain': everyone,
  'append-keychain': everyone,
  'read-ways-in': ['trusted', 'unlocked'],
  'change-ways-in': ['unlocked'],
  delete: ['unlocked'],
  'cancel-delete': everyone,
};

/** `vault` is the one in the path; undefined for routes of the account. */
export function allowed(principal: Principal, action: Action, vault: Uint8Array | undefined): boolean {
  if (!allowedRoles[action].includes(principal.role)) return false;
  if (vault === undefined || principal.vaults === 'all') return true;
  return principal.vaults.some((id) => equalBytes(id, vault));
}
