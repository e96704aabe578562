/**
 * How requests are bound to a device (security.md §5): the text that opens a session, and DPoP proofs (RFC 9449) with
 * EdDSA. No primitive here: who signs and who verifies brings Ed25519 and SHA-256.
 */
import { concatBytes, fromBase64Url, toBase64Url, utf8Decode, utf8Encode, writeU64 } from '@keephold/bytes';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { MalformedRecordError } from '../errors.ts';
import type { DeviceId } from '../ids.ts';

export interface SessionText {
  readonly serverId: Uint8Array;
  readonly deviceId: DeviceId;
  readonly nonce: Uint8Array;
  /** Unix seconds. */
  readonly time: number;
}

/** LBL("sig/request") ‖ server id ‖ deviceId ‖ server nonce ‖ time u64. */
export function sessionSigningInput({ serverId, deviceId, nonce, time }: SessionText): Uint8Array<ArrayBuffer> {
  const seconds = new Uint8Array(8);
  writeU64(seconds, 0, BigInt(time));
  return concatBytes(utf8Encode('keephold/v1/sig/request\0'), serverId, deviceId, nonce, seconds);
}

const ProofHeader = Type.Object({
  typ: Type.Literal('dpop+jwt'),
  alg: Type.Literal('EdDSA'),
  jwk: Type.Object({ kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String() }),
});
const ProofClaims = Type.Object({
  htm: Type.String({ maxLength: 10 }),
  htu: Type.String({ maxLength: 2048 }),
  /** Unix seconds. */
  iat: Type.Integer(),
  jti: Type.String({ minLength: 22, maxLength: 64 }),
  /** SHA-256 of the token, base64url. */
  ath: Type.String({ maxLength: 43 }),
  /** SHA-256 of the body, base64url, unless the path names it. */
  cd: Type.Optional(Type.String({ maxLength: 43 })),
});
export type ProofClaims = Static<typeof ProofClaims>;

export interface ProofToSign {
  readonly claims: ProofClaims;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export function encodeProof({ claims, publicKey, sign }: ProofToSign): string {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(publicKey) };
  const header = { typ: 'dpop+jwt', alg: 'EdDSA', jwk };
  const text = [header, claims].map((part) => toBase64Url(utf8Encode(JSON.stringify(part)))).join('.');
  return `${text}.${toBase64Url(sign(utf8Encode(text)))}`;
}

export interface ParsedProof {
  readonly claims: ProofClaims;
  readonly publicKey: Uint8Array;
  /** What was signed. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Longer than any proof that `encodeProof` makes. */
const LONGEST_PROOF = 4096;

/** Reads the form only: nothing is verified. @throws MalformedRecordError */
export function parseProof(proof: string): ParsedProof {
  const [header, claims, signature, ...rest] = proof.length > LONGEST_PROOF ? [] : proof.split('.');
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0) throw malformed();
  try {
    const { jwk } = Value.Parse(ProofHeader, JSON.parse(utf8Decode(fromBase64Url(header))));
    return {
      claims: Value.Parse(ProofClaims, JSON.parse(utf8Decode(fromBase64Url(claims)))),
      publicKey: fromBase64Url(jwk.x),
      message: utf8Encode(`${header}.${claims}`),
      signature: fromBase64Url(signature),
    };
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): MalformedRecordError {
  return new MalformedRecordError('read proof: it is no DPoP proof', { cause });
}
