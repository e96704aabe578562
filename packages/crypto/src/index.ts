/**
 * The only package that names a primitive (security.md §2). Keys come in and go out as branded bytes; randomness is
 * passed in. Node or browser is chosen once, by the conditions of `#primitives/*`.
 */

export type { Argon2Cost } from '#primitives/argon2';
export { createSha256, type Sha256, sha256 } from '#primitives/sha256';
export { argon2id, DEFAULT_ARGON2_COST, passwordBytes, requireAcceptableCost } from './argon2id.ts';
export { type BlobKind, blobId, gearTable } from './blob-id.ts';
export {
  type DevicePublicKeys,
  decodeDeviceBundle,
  deviceFingerprint,
  deviceId,
  encodeDeviceBundle,
  fingerprintCode,
} from './device-identity.ts';
export { type Ed25519KeyPair, ed25519FromSeed, generateEd25519, sign } from './ed25519.ts';
export { equalConstantTime } from './equal-constant-time.ts';
export {
  CryptoError,
  type DowngradeCode,
  DowngradeError,
  type IntegrityCode,
  IntegrityError,
  InvalidKeyError,
  type InvalidWordsCode,
  InvalidWordsError,
  MalformedObjectError,
} from './errors.ts';
export { expand, expandKey } from './expand.ts';
export { hedgedSalt } from './hedged-salt.ts';
export { hmacSha256 } from './hmac-sha256.ts';
export {
  type AccountRootKey,
  asKey,
  type ChainKey,
  type ChunkerKey,
  type Ed25519Seed,
  type IdKey,
  type IndexKey,
  type Key,
  type KeyName,
  type PackKey,
  type RandomSource,
  type SealingKey,
  type SessionKey,
  type SlotKey,
  type SnapshotKey,
  type XWingSeed,
} from './keys.ts';
export { type Label, label } from './label.ts';
export { objectName } from './object-name.ts';
export {
  type OpenPageOptions,
  openPage,
  PACK_HEADER_LENGTH,
  PAGE_LENGTH,
  packKey,
  SEALED_PAGE_LENGTH,
  type SealPageOptions,
  sealPage,
} from './page.ts';
export { randomKey } from './random-key.ts';
export {
  type KeyKind,
  MAX_OBJECT_LENGTH,
  OBJECT_TYPE,
  type ObjectHeader,
  type ObjectPlace,
  type ObjectType,
  parseObjectHeader,
} from './sealed-object/layout.ts';
export {
  type OpenAsRecipientOptions,
  openAsRecipient,
  type RecipientObjectPlace,
  type RecipientObjectType,
  type SealToRecipientOptions,
  sealToRecipient,
} from './sealed-object/recipient.ts';
export { type OpenObjectOptions, openObject, type SealObjectOptions, sealObject } from './sealed-object/symmetric.ts';
export {
  CHAIN_SESSIONS,
  type ChainOwner,
  chainId,
  nextChainKey,
  sessionIdOf,
  sessionKey,
  snapshotKey,
} from './session-chain.ts';
export { systemRandom } from './system-random.ts';
export { type SignatureCheck, verifyStrict } from './verify-strict.ts';
export { entropyToWords, wordsToEntropy } from './words.ts';
export { generateXWing, X_WING_PUBLIC_LENGTH, type XWingKeyPair, xWingFromSeed } from './x-wing.ts';
