/**
 * TLS by the server itself. HTTP/1.1 only: over HTTP/2 packs arrive no faster and cost the server more (ADR 31).
 * TLS 1.3 alone; the first group is hybrid, so that what is recorded today stays closed to later quantum computers.
 */
import type { TlsOptions } from 'node:tls';

/** As PEM. */
export interface Certificate {
  /** With the ones between it and the authority. */
  readonly chain: Uint8Array;
  readonly key: Uint8Array;
}

const GROUPS = 'X25519MLKEM768:X25519:P-256';
const HANDSHAKE_LIMIT = 10_000;

export function tlsOptions({ chain, key }: Certificate): TlsOptions {
  return {
    cert: Buffer.from(chain),
    key: Buffer.from(key),
    minVersion: 'TLSv1.3',
    ecdhCurve: GROUPS,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: HANDSHAKE_LIMIT,
  };
}
