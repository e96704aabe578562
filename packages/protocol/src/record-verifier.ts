/** The two primitives that checking public records needs; `crypto/verify` has them, the caller brings them. */
import type { Sha256 } from './signing-texts.ts';

export interface SignatureToCheck {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** All that was signed, the label included. */
  readonly message: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** `{ sha256, verify: verifyStrict }` of crypto/verify. */
export interface RecordVerifier {
  readonly sha256: Sha256;
  /** Strict Ed25519 (security.md §3.1): false for a wrong signature and for keys or signatures of wrong form. */
  readonly verify: (check: SignatureToCheck) => boolean;
}
