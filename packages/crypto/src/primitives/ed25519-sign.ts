/** What both platforms give for making Ed25519 signatures. Types only: `#primitives/ed25519-sign` is a platform's file. */

/** Public key, 32 bytes, of a 32-byte seed (RFC 8032 §5.1.5). */
export declare function ed25519PublicKey(seed: Uint8Array): Uint8Array<ArrayBuffer>;

/** Signature, 64 bytes (RFC 8032 §5.1.6). */
export declare function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer>;
