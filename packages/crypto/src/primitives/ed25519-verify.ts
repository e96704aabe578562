/** What both platforms give for checking Ed25519. Types only: `#primitives/ed25519-verify` is a platform's file at run time. */

export interface Ed25519Check {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** RFC 8032 §5.1.7 with the equation without cofactor. Encodings are checked by the caller, `verifyStrict`. */
export declare function verifyEd25519(check: Ed25519Check): boolean;
