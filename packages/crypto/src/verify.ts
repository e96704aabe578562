/**
 * The key-less entry of this package, for server and custody (security.md §2): SHA-256 and strict Ed25519
 * verification. Must never export or import anything that takes a secret.
 */

export { createSha256, type Sha256, sha256 } from '#primitives/sha256';
export { type SignatureCheck, verifyStrict } from './verify-strict.ts';
