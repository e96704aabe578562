/** Refusals. Their texts are the same whatever the reason: nobody learns from them which accounts there are. */
export type AccountsErrorCode =
  | 'sign-in-refused' // wrong name, password, words, or too old an attempt
  | 'sign-up-refused' // wrong, used or expired invitation, or a name that is taken
  | 'too-many-tries'
  | 'factor-refused' // a wrong or used code, of somebody who has shown the password
  | 'factor-exists'
  | 'pairing-refused' // no such ticket, one that is too old, or a message out of turn
  | 'no-such-plan'
  | 'no-such-account' // for admins, who see the names of all
  | 'not-admin' // or one who is suspended
  | 'own-account' // that no admin suspends
  | 'no-mail' // this server sends none
  | 'wrong-code' // of an address, or too old
  | 'malformed'
  | 'newer-version'; // the tables were made by a newer Keephold

const TEXTS: Readonly<Record<AccountsErrorCode, string>> = {
  'sign-in-refused': 'sign in: the name with this password or these words is not known here',
  'sign-up-refused': 'sign up: the invitation is not good, or the name cannot be had',
  'factor-refused': 'sign in: the code is wrong, too old, or was used',
  'factor-exists': 'add second factor: there is one already',
  'too-many-tries': 'sign in: too many tries; later ones will be answered',
  'pairing-refused': 'pair device: the ticket is not good, or too old, or was used',
  'no-such-plan': 'set plan: there is no such plan',
  'no-such-account': 'change account: there is no such account',
  'not-admin': 'change account: only an admin of this server may do this',
  'own-account': 'suspend account: it is your own',
  'no-mail': 'set address: this server sends no mail',
  'wrong-code': 'confirm address: the code is not the one that was sent, or too old',
  malformed: 'read request: it does not have its form',
  'newer-version': 'open accounts: the tables are of a newer Keephold',
};

export class AccountsError extends Error {
  readonly code: AccountsErrorCode;
  /** Seconds to wait, with `too-many-tries`. */
  readonly retryAfter: number | undefined;

  constructor(code: AccountsErrorCode, options: ErrorOptions & { readonly retryAfter?: number } = {}) {
    super(TEXTS[code], options);
    this.name = 'AccountsError';
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}
