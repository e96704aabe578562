/** The device's session with a server: opened by a signed nonce, renewed before it ends, and a proof for each request. */
import { equalBytes, fromBase64Url, toBase64Url, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type AccountId, CustodyError, type DeviceId } from '@keephold/protocol';
import { checkJson, encodeProof, routes, sessionSigningInput } from '@keephold/protocol/http';

export interface DeviceCredentials {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Of the account's identity key: the session is that of an unlocked app. */
  readonly signAsOwner?: (message: Uint8Array) => Uint8Array;
  /** Of the server the device knows: it signs for no other. */
  readonly serverId: Uint8Array;
}

export interface PostJson {
  (path: string, body: object | undefined): Promise<unknown>;
}

interface OpenSession {
  readonly token: string;
  /** By this side's clock, unix milliseconds. */
  readonly renewAt: number;
}

const RENEW_AFTER = 10 * 60_000;

export interface SessionOptions {
  readonly origin: string;
  readonly credentials: DeviceCredentials;
  readonly post: PostJson;
  /** The server's time as far as known, unix milliseconds. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

export class Session {
  readonly #options: SessionOptions;
  #open: Promise<OpenSession> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Headers of one request; each proof is good for one. */
  async headers(method: string, target: string, bodyDigest: Uint8Array | undefined): Promise<Record<string, string>> {
    const { credentials, origin, now, random } = this.#options;
    const { token } = await this.#current();
    const proof = encodeProof({
      claims: {
        htm: method,
        htu: origin + target,
        iat: Math.floor(now() / 1000),
        jti: toBase64Url(random(18)),
        ath: toBase64Url(sha256(utf8Encode(token))),
        ...(bodyDigest !== undefined && { cd: toBase64Url(bodyDigest) }),
      },
      publicKey: credentials.publicKey,
      sign: credentials.sign,
    });
    return { authorization: `DPoP ${token}`, dpop: proof };
  }

  /** The server does not take it any more. */
  forget(): void {
    this.#open = undefined;
  }

  async #current(): Promise<OpenSession> {
    const open = await this.#open;
    if (open !== undefined && open.renewAt > this.#options.now()) return open;
    const opening = this.#start();
    this.#open = opening;
    opening.catch(() => {
      if (this.#open === opening) this.#open = undefined;
    });
    return await opening;
  }

  async #start(): Promise<OpenSession> {
    const { credentials, post, now } = this.#options;
    const { accountId, deviceId } = credentials;
    const challenge = checkJson(routes.challenge.answer.schema, await post(routes.challenge.path, undefined));
    const serverId = fromBase64Url(challenge.serverId);
    if (!equalBytes(serverId, credentials.serverId)) {
      throw new CustodyError('refused', 'open session: this is another server than the one this device knows');
    }
    const time = Math.floor(now() / 1000);
    const message = sessionSigningInput({ serverId, deviceId, nonce: fromBase64Url(challenge.nonce), time });
    const { signAsOwner } = credentials;
    const answer = await post(routes.openDeviceSession.path, {
      accountId: toBase64Url(accountId),
      deviceId: toBase64Url(deviceId),
      nonce: challenge.nonce,
      time,
      signature: toBase64Url(credentials.sign(message)),
      ...(signAsOwner !== undefined && { identitySignature: toBase64Url(signAsOwner(message)) }),
    });
    return { token: checkJson(routes.openDeviceSession.answer.schema, answer).token, renewAt: now() + RENEW_AFTER };
  }
}
