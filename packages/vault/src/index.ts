/** The key hierarchy (security.md §3, §4): from a password to the keys the engine needs. No I/O but the custody passed in. */

export { type OwnerActOptions, releaseHold, requestDeletion, setPolicy, trustForDedup } from './change-policy.ts';
export {
  addPasswordSlot,
  addWordsSlot,
  type ChangeSlotsOptions,
  changePassword,
  changeServerPassword,
  type NewWords,
  type PasswordChange,
  type PasswordOptions,
  removeSlot,
  type ServerPasswordOptions,
  verifyWords,
} from './change-slots.ts';
export {
  type CreateAccountOptions,
  type CreatedAccount,
  type CreateServerAccountOptions,
  createAccount,
  createServerAccount,
  DEFAULT_VAULT_POLICY,
  publishAccount,
  type ServerKeys,
} from './create-account.ts';
export { type DamagedSlot, damagedSlots } from './damaged-slots.ts';
export {
  type DeviceKeys,
  type DeviceState,
  decodeDeviceState,
  encodeDeviceState,
  generateDeviceKeys,
  readKeysOf,
  readKeysRecord,
  withAcceptedPins,
  withChain,
  withoutReadKeys,
  withPins,
  withReadKeys,
  writeKeysOf,
} from './device-state.ts';
export { type EnrolDeviceOptions, type EnrolledDevice, enrolDevice } from './enrol-device.ts';
export {
  AccountFaultError,
  DeviceFaultError,
  LastSlotError,
  SessionChainError,
  VaultError,
  WrongPasswordError,
} from './errors.ts';
export { type Grant, openGrant, readGrant, sealGrant, writeGrant } from './grant.ts';
export { refreshKeychain } from './keychain-append.ts';
export type { ReadKeys, VaultKeys, WriteKeys } from './keys.ts';
export { type OpenedDevice, openDevice, requireDeviceInForce } from './open-device.ts';
export {
  type Approval,
  appendDevice,
  countersign,
  draftDevice,
  finishPairing,
  type OfferedDevice,
  offerDevice,
  type PairedDevice,
  type PairingDraft,
  type PairingHeads,
  type PairingOffer,
  readOffer,
} from './pair-device.ts';
export {
  decodePairingDraft,
  decodePairingHeads,
  decodePairingOffer,
  encodePairingDraft,
  encodePairingHeads,
  encodePairingOffer,
} from './pairing-messages.ts';
export {
  createPairingTicket,
  formatPairingTicket,
  type PairingTicket,
  parsePairingTicket,
} from './pairing-ticket.ts';
export { recordVerifier } from './record-verifier.ts';
export {
  type RecoveryCredentials,
  type RecoveryEntry,
  recoveryCredentials,
  recoveryEntry,
} from './recovery-login.ts';
export { type RenameDeviceOptions, renameDevice } from './rename-device.ts';
export { renewGrant } from './renew-grant.ts';
export { type RevokeDeviceOptions, revokeDevice } from './revoke-device.ts';
export { openName } from './sealed-name.ts';
export {
  type ChainState,
  confirmSessionObjects,
  type Session,
  type StartSessionOptions,
  startSession,
} from './session-chain.ts';
export { chainNameOf, openSessionObject, SessionChainReader } from './session-reader.ts';
export { type PasswordChangeEnd, settlePasswordChange } from './settle-password-change.ts';
export { type UnlockCustody, unlockWithExportKey, unlockWithPassword, unlockWithWords } from './unlock.ts';
export { listSlots, onlyVault, readKeys, type SlotSummary, type Unlocked } from './unlocked.ts';
export { walkStoredKeychain } from './walk-stored-keychain.ts';
