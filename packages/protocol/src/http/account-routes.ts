/** Routes of accounts: how one begins, how its owner signs in, and what he changes then (security.md §3.6, §3.9, §5). */
import { LARGEST_RECORD } from './limits.ts';
import { BYTES, EMPTY, FRAMES, json, jsonBody, type Route, record } from './route.ts';
import * as schema from './schemas.ts';

export const signingIn = {
  startSignUp: {
    method: 'POST',
    path: '/v1/sign-up/start',
    action: undefined,
    summary:
      'Begins a new account: the answer of OPAQUE to the registration of its password, and the keys of this server.',
    body: jsonBody(schema.SignUpStartBody),
    answer: json(schema.SignUpStartAnswer),
  },
  finishSignUp: {
    method: 'POST',
    path: '/v1/sign-up/finish',
    action: undefined,
    summary: 'A new account: frames head (JSON) ‖ keyring ‖ n u32 ‖ n keychain entries ‖ slot ids and slots in turn.',
    body: { kind: 'bytes', limit: 4 * LARGEST_RECORD, boundBy: 'digest' },
    answer: EMPTY,
  },
  startSignIn: {
    method: 'POST',
    path: '/v1/sign-in/start',
    action: undefined,
    summary:
      'Signing in with name and password: the answer of OPAQUE, of the same form whether there is such an account.',
    body: jsonBody(schema.SignInStartBody),
    answer: json(schema.SignInStartAnswer),
  },
  finishSignIn: {
    method: 'POST',
    path: '/v1/sign-in/finish',
    action: undefined,
    summary:
      'A token for 15 minutes, bound to a key that the login vouches for; it is that of an unlocked app. Where the account has a second factor, what its code is to be sent with.',
    body: jsonBody(schema.SignInFinishBody),
    answer: json(schema.SignInFinishAnswer),
  },
  finishFactorSignIn: {
    method: 'POST',
    path: '/v1/sign-in/factor',
    action: undefined,
    summary: 'The token, by a code of the authenticator app or a recovery code; each is taken once.',
    body: jsonBody(schema.FactorSignInBody),
    answer: json(schema.SessionAnswer),
  },
  startRecovery: {
    method: 'POST',
    path: '/v1/recovery/start',
    action: undefined,
    summary: 'Signing in with the 24 words: what their key is to sign.',
    body: jsonBody(schema.RecoveryStartBody),
    answer: json(schema.RecoveryStartAnswer),
  },
  finishRecovery: {
    method: 'POST',
    path: '/v1/recovery/finish',
    action: undefined,
    summary: 'A token for 15 minutes, bound to a key that the words signed; it is that of an unlocked app.',
    body: jsonBody(schema.RecoveryFinishBody),
    answer: json(schema.SessionAnswer),
  },
} as const satisfies Record<string, Route>;

export const changingWaysIn = {
  startPasswordChange: {
    method: 'POST',
    path: '/v1/account/password/start',
    action: 'change-ways-in',
    stepUp: true,
    summary: 'Begins another password: the answer of OPAQUE to its registration.',
    body: jsonBody(schema.PasswordStartBody),
    answer: json(schema.PasswordStartAnswer),
  },
  finishPasswordChange: {
    method: 'POST',
    path: '/v1/account/password/finish',
    action: 'change-ways-in',
    summary: 'Puts the other password and its slot in place of what was there. Other sessions of this kind end.',
    body: jsonBody(schema.PasswordFinishBody),
    answer: EMPTY,
  },
  addRecovery: {
    method: 'POST',
    path: '/v1/account/recovery',
    action: 'change-ways-in',
    summary: 'The public key of recovery words whose slot the keychain names.',
    body: jsonBody(schema.RecoveryKeyBody),
    answer: EMPTY,
  },
  accountLog: {
    method: 'GET',
    path: '/v1/account/log',
    action: 'read-ways-in',
    summary: 'What happened to the account, from a seq on: each entry has the hash of the one before.',
    query: schema.FromQuery,
    answer: FRAMES,
  },
  factor: {
    method: 'GET',
    path: '/v1/account/factor',
    action: 'read-ways-in',
    summary: 'Whether there is a second factor, and how many of its recovery codes are left.',
    answer: json(schema.FactorAnswer),
  },
  startFactor: {
    method: 'POST',
    path: '/v1/account/factor/start',
    action: 'change-ways-in',
    stepUp: true,
    summary: 'A secret for an authenticator app, and ten recovery codes; they count once a code of the app was shown.',
    answer: json(schema.FactorStartAnswer),
  },
  finishFactor: {
    method: 'POST',
    path: '/v1/account/factor/finish',
    action: 'change-ways-in',
    summary: 'From now on the password needs a code beside it. Other sessions end.',
    body: jsonBody(schema.FactorBody),
    answer: EMPTY,
  },
  renewRecoveryCodes: {
    method: 'POST',
    path: '/v1/account/factor/codes',
    action: 'change-ways-in',
    stepUp: true,
    summary: 'Ten other recovery codes; the ones before are worth nothing from now on.',
    answer: json(schema.RecoveryCodesAnswer),
  },
  removeFactor: {
    method: 'DELETE',
    path: '/v1/account/factor',
    action: 'change-ways-in',
    stepUp: true,
    summary: 'From now on the password is enough. Other sessions end.',
    answer: EMPTY,
  },
  sessions: {
    method: 'GET',
    path: '/v1/account/sessions',
    action: 'read-ways-in',
    summary: 'The sessions that the password or the words have opened. Those of devices end with the device.',
    answer: json(schema.SessionsAnswer),
  },
  endSession: {
    method: 'DELETE',
    path: '/v1/account/sessions/:session',
    action: 'change-ways-in',
    summary: 'Ends a session that the password or the words have opened, at every process at once.',
    params: schema.SessionPath,
    answer: EMPTY,
  },
} as const satisfies Record<string, Route>;

export const beingTold = {
  notices: {
    method: 'GET',
    path: '/v1/account/notices',
    action: 'read-ways-in',
    summary: 'Where the owner is told of what happens, and of what.',
    answer: json(schema.NoticesAnswer),
  },
  setNotices: {
    method: 'PUT',
    path: '/v1/account/notices',
    action: 'change-ways-in',
    summary: 'Changes that. A new address is mailed a code, and used once that was confirmed; the old one is told.',
    body: jsonBody(schema.NoticesBody),
    answer: EMPTY,
  },
  confirmNotices: {
    method: 'POST',
    path: '/v1/account/notices/confirm',
    action: 'change-ways-in',
    summary: 'The code that was mailed: from now on the owner is told at that address.',
    body: jsonBody(schema.ConfirmNoticesBody),
    answer: EMPTY,
  },
} as const satisfies Record<string, Route>;

/** A pairing message: a CBOR map of some kilobytes. */
const MESSAGE_LIMIT = 8192;

export const pairing = {
  openPairing: {
    method: 'PUT',
    path: '/v1/account/pairings/:ticket',
    action: 'enrol',
    stepUp: true,
    summary: 'Makes room for the messages between an app and a device that it adds, for ten minutes.',
    params: schema.TicketPath,
    answer: json(schema.PairingAnswer),
  },
  sendAsApp: {
    method: 'PUT',
    path: '/v1/account/pairings/:ticket/:message',
    action: 'enrol',
    summary: 'Sends the device a draft or its heads.',
    params: schema.MessagePath,
    body: record(MESSAGE_LIMIT),
    answer: EMPTY,
  },
  readAsApp: {
    method: 'GET',
    path: '/v1/account/pairings/:ticket/:message',
    action: 'enrol',
    summary: 'What the device has sent: its offer, its answer.',
    params: schema.MessagePath,
    answer: BYTES,
  },
} as const satisfies Record<string, Route>;

export const joining = {
  sendAsDevice: {
    method: 'PUT',
    path: '/v1/pairings/:ticket/:message',
    action: undefined,
    summary:
      'Sends the app the offer of a new device, or its answer. Who knows the id of a ticket may, until it is used.',
    params: schema.MessagePath,
    body: record(MESSAGE_LIMIT),
    answer: EMPTY,
  },
  readAsDevice: {
    method: 'GET',
    path: '/v1/pairings/:ticket/:message',
    action: undefined,
    summary: 'What the app has sent: a draft, the heads.',
    params: schema.MessagePath,
    answer: BYTES,
  },
} as const satisfies Record<string, Route>;

export const administering = {
  invite: {
    method: 'POST',
    path: '/v1/admin/invitations',
    action: 'administer',
    summary: 'An invitation for one account, good for so many days.',
    body: jsonBody(schema.InviteBody),
    answer: json(schema.InviteAnswer),
  },
  invitations: {
    method: 'GET',
    path: '/v1/admin/invitations',
    action: 'administer',
    summary: 'The invitations that somebody could use now, without their codes.',
    answer: json(schema.InvitationsAnswer),
  },
  withdrawInvitation: {
    method: 'DELETE',
    path: '/v1/admin/invitations/:invitation',
    action: 'administer',
    summary: 'Makes an invitation that was not used worth nothing.',
    params: schema.InvitationPath,
    answer: EMPTY,
  },
  users: {
    method: 'GET',
    path: '/v1/admin/users',
    action: 'administer',
    summary: 'The accounts of this server and how much it keeps for each of them.',
    answer: json(schema.UsersAnswer),
  },
  setSuspension: {
    method: 'POST',
    path: '/v1/admin/users/suspension',
    action: 'administer',
    stepUp: true,
    summary:
      'Suspends an account, or takes that back: its sessions end, and nothing new is taken from it. What is stored stays, and can be read.',
    body: jsonBody(schema.SuspensionBody),
    answer: EMPTY,
  },
  testNotices: {
    method: 'POST',
    path: '/v1/admin/notices/test',
    action: 'administer',
    summary: 'Sends a test message by every way in which this server tells people something.',
    answer: EMPTY,
  },
  plans: {
    method: 'GET',
    path: '/v1/admin/plans',
    action: 'administer',
    summary: 'The plans of this server: how much accounts may have stored.',
    answer: json(schema.PlansAnswer),
  },
  putPlan: {
    method: 'PUT',
    path: '/v1/admin/plans/:plan',
    action: 'administer',
    summary:
      'Makes a plan, or changes it for all who have it. The one called free is that of everybody without another.',
    params: schema.PlanPath,
    body: jsonBody(schema.PlanBody),
    answer: EMPTY,
  },
  assignPlan: {
    method: 'POST',
    path: '/v1/admin/users/plan',
    action: 'administer',
    summary: 'Gives an account a plan.',
    body: jsonBody(schema.AssignPlanBody),
    answer: EMPTY,
  },
} as const satisfies Record<string, Route>;
