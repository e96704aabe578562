/**
 * Sessions. A device is who the account's keychain says it is: it signs a nonce and gets a token bound to its key. Who
 * signed in with the password or the words gets one for a key of that login. Every request then has a proof of its own
 * (security.md §5). Nothing is stored but in memory: a server that starts again asks anew. What ends the sessions of an
 * account is counted in the database, so that it ends those at other processes too.
 */
import {
  type AccountsSurroundings,
  endSessions,
  goesOn,
  noteSession,
  prefixOf,
  type SignedIn,
  sessionStanding,
} from '@keephold/accounts';
import { EncodingError, equalBytes, fromBase64Url, toBase64Url, toHex, utf8Encode } from '@keephold/bytes';
import { sha256, verifyStrict } from '@keephold/crypto/verify';
import {
  type AccountId,
  asAccountId,
  asDeviceId,
  CustodyError,
  deviceRecord,
  ID_LENGTH,
  isKeychainDamage,
  type KeychainState,
  MalformedRecordError,
  walkKeychain,
} from '@keephold/protocol';
import { type schemas, sessionSigningInput } from '@keephold/protocol/http';
import type { Authenticated, Authority, Principal, SignedRequest } from '../authority.ts';
import { ServerError, unauthenticated } from '../errors.ts';
import type { AccountKeeper } from '../keeper.ts';
import { digestOf, fittingProof, PROOF_WINDOW } from './check-proof.ts';
import { ExpiringMap } from './expiring-map.ts';

const TOKEN_LIFETIME = 15 * 60_000;
const NONCE_LIFETIME = 2 * 60_000;
const JTI_LIFETIME = 5 * 60_000;
/** So long a session of a device is believed without a look at what other processes have ended. */
const EPOCH_LIFETIME = 5000;
/** Some tens of megabytes at most. */
const MOST_TOKENS = 100_000;
const MOST_NONCES = 100_000;
const MOST_PROOFS = 500_000;

export interface NewSession {
  readonly token: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

interface Session {
  readonly principal: Principal;
  readonly publicKey: Uint8Array;
  readonly expiresAt: number;
  /** Of the account, from before it was looked up who may open the session. */
  epoch: number;
  /** When that was compared last, unix milliseconds; 0: never. */
  comparedAt: number;
}

type Opened = Pick<Session, 'principal' | 'publicKey' | 'epoch'>;

export interface KeychainAuthorityOptions {
  readonly keeper: AccountKeeper;
  readonly accounts: AccountsSurroundings;
  /** 16 bytes, the same for the life of the server: a signature for one server is none for another. */
  readonly serverId: Uint8Array;
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

export class KeychainAuthority implements Authority {
  readonly #options: KeychainAuthorityOptions;
  readonly #nonces: ExpiringMap<true>;
  readonly #sessions: ExpiringMap<Session>;
  readonly #proofs: ExpiringMap<true>;
  readonly #byPrincipal = new WeakMap<Principal, Session>();

  constructor(options: KeychainAuthorityOptions) {
    this.#options = options;
    const now = options.now();
    this.#nonces = new ExpiringMap({ lifetime: NONCE_LIFETIME, most: MOST_NONCES, now });
    this.#sessions = new ExpiringMap({ lifetime: TOKEN_LIFETIME, most: MOST_TOKENS, now });
    this.#proofs = new ExpiringMap({ lifetime: JTI_LIFETIME, most: MOST_PROOFS, now });
  }

  /** Tokens that are known here; some of them may have expired. */
  get sessions(): number {
    return this.#sessions.size;
  }

  challenge(): { readonly serverId: string; readonly nonce: string } {
    const { random, serverId, now } = this.#options;
    const nonce = toBase64Url(random(32));
    if (!this.#nonces.add(nonce, true, now())) throw busy();
    return { serverId: toBase64Url(serverId), nonce };
  }

  async openSession(body: schemas.SessionBody): Promise<NewSession> {
    const time = this.#options.now();
    const isFresh = Math.abs(time / 1000 - body.time) <= PROOF_WINDOW;
    if (this.#nonces.take(body.nonce, time) === undefined || !isFresh) throw unauthenticated();
    return this.#start(await this.#sessionOf(body), time);
  }

  /** For who has just shown the password or the words. It is not renewed: what needs it for longer asks again. */
  async openUnlocked({ accountId, sessionKey, method }: SignedIn, address: string): Promise<NewSession> {
    const { accounts, now, random } = this.#options;
    const openedAt = now();
    const { epoch, isSuspended } = await sessionStanding(accounts, accountId);
    const keychain = await this.#keychain(accountId);
    const vaults = [...(keychain?.vaults.values() ?? [])].map(({ vaultId }) => vaultId);
    const sessionId = random(ID_LENGTH);
    const own = { accountId, deviceId: undefined, sessionId, openedAt } as const;
    const principal = { ...own, isSuspended, role: 'unlocked', vaults } as const;
    const session = this.#start({ principal, publicKey: sessionKey, epoch }, openedAt);
    const { expiresAt } = session;
    await noteSession(accounts, accountId, { sessionId, method, openedAt, expiresAt, ipPrefix: prefixOf(address) });
    return session;
  }

  #start(opened: Opened, time: number): NewSession {
    const token = toBase64Url(this.#options.random(32));
    const session: Session = { ...opened, expiresAt: time + TOKEN_LIFETIME, comparedAt: 0 };
    this.#byPrincipal.set(session.principal, session);
    if (!this.#sessions.add(hashOf(token), session, time)) throw busy();
    return { token, expiresAt: session.expiresAt };
  }

  async authenticate(request: SignedRequest): Promise<Authenticated> {
    const now = this.#options.now();
    const token = /^DPoP ([A-Za-z0-9_-]{43})$/.exec(request.authorization ?? '')?.[1];
    const session = token === undefined ? undefined : this.#sessions.get(hashOf(token), now);
    if (token === undefined || session === undefined || session.expiresAt <= now) throw unauthenticated();
    const claims = readable(() => fittingProof(request, { token, publicKey: session.publicKey, now }));
    if (claims === undefined) throw unauthenticated();
    const proof = `${toHex(session.publicKey)} ${claims.jti}`;
    if (this.#proofs.get(proof, now) !== undefined) throw unauthenticated();
    if (!this.#proofs.add(proof, true, now)) throw busy();
    await this.#requireEpoch(session, now);
    return { principal: session.principal, bodyDigest: readable(() => digestOf(claims)) };
  }

  async accountChanged(by: Principal): Promise<void> {
    const stays = by.role === 'unlocked' ? by : undefined;
    this.#sessions.deleteWhere(({ principal }) => principal !== stays && equalBytes(principal.accountId, by.accountId));
    const epoch = await endSessions(this.#options.accounts, by.accountId, stays?.sessionId);
    const session = stays && this.#byPrincipal.get(stays);
    if (session !== undefined) session.epoch = epoch;
  }

  forget(accountId: AccountId): void {
    this.#sessions.deleteWhere(({ principal }) => equalBytes(principal.accountId, accountId));
  }

  /** @throws ServerError 'unauthenticated' when the account has changed since, wherever that was sent to. */
  async #requireEpoch(session: Session, now: number): Promise<void> {
    const { accountId, sessionId } = session.principal;
    // Unlocked ones are few, and may do more: they end at once.
    if (sessionId === undefined && Math.abs(now - session.comparedAt) < EPOCH_LIFETIME) return;
    if (await goesOn(this.#options.accounts, { accountId, sessionId, epoch: session.epoch })) {
      session.comparedAt = now;
      return;
    }
    this.#sessions.deleteWhere((other) => other === session);
    throw unauthenticated();
  }

  async #sessionOf(body: schemas.SessionBody): Promise<Opened> {
    const accountId = asAccountId(fromBase64Url(body.accountId));
    const { epoch, isSuspended } = await sessionStanding(this.#options.accounts, accountId);
    const keychain = await this.#keychain(accountId);
    const deviceId = asDeviceId(fromBase64Url(body.deviceId));
    const device = keychain === undefined ? undefined : deviceRecord(keychain, deviceId);
    if (keychain === undefined || device === undefined || device.revokedSeq !== undefined) throw unauthenticated();
    const { serverId } = this.#options;
    const message = sessionSigningInput({ serverId, deviceId, nonce: fromBase64Url(body.nonce), time: body.time });
    const { signingKey: publicKey, role, vaults } = device;
    if (!verifyStrict({ publicKey, message, signature: fromBase64Url(body.signature) })) throw unauthenticated();
    const principal = {
      accountId: keychain.accountId,
      deviceId,
      sessionId: undefined,
      openedAt: undefined,
      isSuspended,
      role,
      vaults,
    };
    return { principal, publicKey, epoch };
  }

  /** Undefined when there is no such account. */
  async #keychain(accountId: AccountId): Promise<KeychainState | undefined> {
    try {
      const entries = await this.#options.keeper.use(accountId, async (custody) => await custody.keychain(0));
      return walkKeychain(entries, { sha256, verify: verifyStrict });
    } catch (error) {
      if (error instanceof CustodyError && error.code === 'no-repository') return undefined;
      // What is wrong is what is kept here, not what was asked.
      if (isKeychainDamage(error)) throw new CustodyError('keychain-damaged', error.message, { cause: error });
      throw error;
    }
  }
}

/** Only the hash of a token is kept. */
function hashOf(token: string): string {
  return toBase64Url(sha256(utf8Encode(token)));
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedRecordError || error instanceof EncodingError) throw unauthenticated();
    throw error;
  }
}

function busy(): ServerError {
  return new ServerError('busy', 'too many sessions at once; try again later');
}
