/** Whether a DPoP proof (RFC 9449) fits its request, its token and its key. */
import { equalBytes, fromBase64Url, toBase64Url, utf8Encode } from '@keephold/bytes';
import { sha256, verifyStrict } from '@keephold/crypto/verify';
import { type ParsedProof, parseProof } from '@keephold/protocol/http';
import type { SignedRequest } from '../authority.ts';

/** Seconds that a client's clock may be off; its skew is learnt from the Date header otherwise. */
export const PROOF_WINDOW = 60;

export interface ProofContext {
  readonly token: string;
  /** The device's signing key. */
  readonly publicKey: Uint8Array;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Undefined when it does not fit. Replay is for the caller: it has the jti. */
export function fittingProof(request: SignedRequest, context: ProofContext): ParsedProof['claims'] | undefined {
  if (request.proof === undefined) return undefined;
  const { claims, publicKey, message, signature } = parseProof(request.proof);
  if (!equalBytes(publicKey, context.publicKey)) return undefined;
  if (!verifyStrict({ publicKey, message, signature })) return undefined;
  if (Math.abs(context.now / 1000 - claims.iat) > PROOF_WINDOW) return undefined;
  if (claims.htm !== request.method || !isOf(claims.htu, request)) return undefined;
  return claims.ath === toBase64Url(sha256(utf8Encode(context.token))) ? claims : undefined;
}

export function digestOf(claims: ParsedProof['claims']): Uint8Array | undefined {
  return claims.cd === undefined ? undefined : fromBase64Url(claims.cd);
}

/** The scheme is not compared: behind a proxy this side does not know it. */
function isOf(htu: string, { host, target }: SignedRequest): boolean {
  return htu === `https://${host}${target}` || htu === `http://${host}${target}`;
}
