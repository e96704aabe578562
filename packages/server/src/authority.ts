/**
 * The one interface between the routes and whoever knows accounts: from a request to a principal, and from a principal
 * to what it may do (security.md §3.3). Routes ask nothing else.
 */
import { equalBytes } from '@keephold/bytes';
import type { AccountId, DeviceId, VaultId } from '@keephold/protocol';
import { type Action, type Role, type Route, rolesFor, STEP_UP_LIFETIME } from '@keephold/protocol/http';

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

/** One session: as long as it lasts it is the same object. */
export interface Principal {
  readonly accountId: AccountId;
  /** Undefined for who signed in with the password or the words, as he may where no device is. */
  readonly deviceId: DeviceId | undefined;
  readonly role: Role;
  /** Of an unlocked app (unlocked-sessions.ts of accounts); undefined for a device. */
  readonly sessionId: Uint8Array | undefined;
  /** When the password or the words were shown, unix milliseconds; undefined for a device. */
  readonly openedAt: number | undefined;
  /** By an admin: it stores nothing new. Whoever changes that ends the session. */
  readonly isSuspended: boolean;
  /** Those the device was granted; for an unlocked app those of its account. */
  readonly vaults: readonly VaultId[];
}

export interface Authenticated {
  readonly principal: Principal;
  /** SHA-256 of the body as the proof has it; the route compares. Undefined when the proof names none. */
  readonly bodyDigest: Uint8Array | undefined;
}

export interface Authority {
  /** @throws ServerError 'unauthenticated', with the same text whatever is wrong. */
  authenticate(request: SignedRequest): Promise<Authenticated>;
  /**
   * Keychain or password of the account are others now: its sessions end, but for an unlocked one that did it. Here at
   * once, at other processes within seconds.
   */
  accountChanged(by: Principal): Promise<void>;
  /** All sessions of the account have been ended in the database: those here are forgotten at once. */
  forget(accountId: AccountId): void;
}

/** What is dangerous takes who has just shown the password or the words, not some time ago (security.md §5). */
export function isFreshEnough({ openedAt }: Principal, { stepUp }: Route, now: number): boolean {
  return stepUp !== true || (openedAt !== undefined && now - openedAt < STEP_UP_LIFETIME);
}

/** What is new, and the server itself, are not for the suspended; what is stored is theirs to read and to delete. */
export function isSuspendedFrom({ isSuspended }: Principal, { action, stores }: Route): boolean {
  return isSuspended && (stores === true || action === 'administer');
}

/** `vault` is the one in the path; undefined for routes of the account. */
export function allowed(principal: Principal, action: Action, vault: Uint8Array | undefined): boolean {
  if (!rolesFor[action].includes(principal.role)) return false;
  return vault === undefined || principal.vaults.some((id) => equalBytes(id, vault));
}
