/** Errors of this package. None carries a key, a password or a word. */

export class VaultError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Wrong password or words, or a slot that was damaged: nothing may tell these apart (security.md §4). */
export class WrongPasswordError extends VaultError {
  constructor(what: 'password' | 'words') {
    super('wrong-password', `unlock account: the ${what} open no slot`);
  }
}

/** A change that would leave the account without a way in. */
export class LastSlotError extends VaultError {
  constructor() {
    super('last-slot', 'remove slot: the last slot besides the words cannot be removed');
  }
}

export type AccountFaultCode =
  | 'account-mismatch' // slot, keyring and keychain are of different accounts
  | 'keychain-damaged'
  | 'keyring-missing'
  | 'keyring-damaged';

/** The account's records do not fit together: a stop, not a warning. */
export class AccountFaultError extends VaultError {
  declare readonly code: AccountFaultCode;

  constructor(code: AccountFaultCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

export type DeviceFaultCode =
  | 'device-state-damaged'
  | 'device-revoked' // or never added
  | 'grant-stale'; // the vault has a newer epoch than the device's keys

/** This device cannot write with what it holds; enrolling it again helps. */
export class DeviceFaultError extends VaultError {
  declare readonly code: DeviceFaultCode;

  constructor(code: DeviceFaultCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** A session object that is not what the commit naming it says, or a session that is not of its chain. */
export class SessionChainError extends VaultError {
  constructor(message: string, options?: ErrorOptions) {
    super('session-chain', message, options);
  }
}
