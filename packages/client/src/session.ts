/** Sessions with a server: a device opens one by a signed nonce and renews it; an unlocked one comes from a login and ends. */
import { equalBytes, fromBase64Url, toBase64Url, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type AccountId, CustodyError, type DeviceId } from '@keephold/protocol';
import { checkJson, encodeProof, routes, sessionSigningInput } from '@keephold/protocol/http';

/** Ed25519; each request is signed with it. */
export interface SessionKey {
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export interface DeviceCredentials extends SessionKey {
  readonly deviceId: DeviceId;
  /** Of the server the device knows: it signs for no other. */
  readonly serverId: Uint8Array;
}

/** What a login gives, for some minutes. */
export interface UnlockedSession extends SessionKey {
  readonly token: string;
  /** By this side's clock, unix milliseconds. */
  readonly validUntil: number;
}

export interface PostJson {
  (path: string, body: object | undefined): Promise<unknown>;
}

export interface OpenSession extends SessionKey {
  readonly token: string;
}

/** Of 15 minutes. */
const RENEW_AFTER = 10 * 60_000;

export interface DeviceSessionOptions {
  readonly accountId: AccountId;
  readonly credentials: DeviceCredentials;
  readonly post: PostJson;
  /** The server's time as far as known, unix milliseconds. */
  readonly now: () => number;
}

export class DeviceSession {
  readonly #options: DeviceSessionOptions;
  #open: Promise<OpenSession & { readonly renewAt: number }> | undefined;

  constructor(options: DeviceSessionOptions) {
    this.#options = options;
  }

  /** The server does not take it any more. */
  forget(): void {
    this.#open = undefined;
  }

  async current(): Promise<OpenSession> {
    const open = await this.#open;
    if (open !== undefined && open.renewAt > this.#options.now()) return open;
    const opening = this.#start();
    this.#open = opening;
    opening.catch(() => {
      if (this.#open === opening) this.#open = undefined;
    });
    return await opening;
  }

  async #start(): Promise<OpenSession & { readonly renewAt: number }> {
    const { accountId, credentials, post, now } = this.#options;
    const { deviceId, publicKey, sign } = credentials;
    const challenge = checkJson(routes.challenge.answer.schema, await post(routes.challenge.path, undefined));
    const serverId = fromBase64Url(challenge.serverId);
    if (!equalBytes(serverId, credentials.serverId)) {
      throw new CustodyError('refused', 'open session: this is another server than the one this device knows');
    }
    const time = Math.floor(now() / 1000);
    const message = sessionSigningInput({ serverId, deviceId, nonce: fromBase64Url(challenge.nonce), time });
    const answer = await post(routes.openDeviceSession.path, {
      accountId: toBase64Url(accountId),
      deviceId: toBase64Url(deviceId),
      nonce: challenge.nonce,
      time,
      signature: toBase64Url(sign(message)),
    });
    const { token } = checkJson(routes.openDeviceSession.answer.schema, answer);
    return { token, publicKey, sign, renewAt: now() + RENEW_AFTER };
  }
}

export interface RequestToSign {
  readonly method: string;
  /** With the origin. */
  readonly url: string;
  readonly bodyDigest: Uint8Array | undefined;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: (length: number) => Uint8Array;
}

/** Headers of one request; each proof is good for one. */
export function signedHeaders(session: OpenSession, request: RequestToSign): Record<string, string> {
  const { token, publicKey, sign } = session;
  const { method, url, bodyDigest, now, random } = request;
  const claims = {
    htm: method,
    htu: url,
    iat: Math.floor(now / 1000),
    jti: toBase64Url(random(18)),
    ath: toBase64Url(sha256(utf8Encode(token))),
    ...(bodyDigest !== undefined && { cd: toBase64Url(bodyDigest) }),
  };
  return { authorization: `DPoP ${token}`, dpop: encodeProof({ claims, publicKey, sign }) };
}
