/** The two primitives that checking public records needs; `crypto/verify` has them, the caller brings them. */
import type { Sha256 } from './signing-texts.ts';

export interface RecordVerifier {
  readonly sha256: Sha256;
  /** Strict Ed25519 (security.md §3.1): false for a wrong signature and for keys or signatures of wrong form. */
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}
