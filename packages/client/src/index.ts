/** A server as a keeper. Runs anywhere there is `fetch`. */
export { accountLogOf, type LogEntry } from './account/account-log.ts';
export { accountNameOn, serverIdOf } from './account/account-name.ts';
export {
  assignPlanOn,
  invitationsOf,
  inviteTo,
  type OpenInvitation,
  plansOf,
  putPlanOn,
  type ServerPlan,
  type ServerUser,
  setSuspensionOn,
  testNoticesOn,
  usersOf,
  withdrawInvitationOn,
} from './account/admin.ts';
export {
  type AccountFactor,
  factorOn,
  looksLikeCode,
  type OfferedFactor,
  offerFactor,
  removeFactorOn,
  renewRecoveryCodesOn,
} from './account/factor.ts';
export {
  confirmNotices,
  type NoticeChoice,
  type NoticeSettings,
  noticeChoices,
  noticesOf,
  setNotices,
} from './account/notices.ts';
export { type AppMailbox, deviceMailbox, openAppMailbox, type PairingMailbox } from './account/pairing.ts';
export { type AccountSession, endSessionOn, sessionsOf } from './account/sessions.ts';
export {
  type AskCode,
  type Login,
  type SignedIn,
  type SignedInByPassword,
  signInWithPassword,
  signInWithWords,
} from './account/sign-in.ts';
export { requireServerId, type SignUpKeys, type SignUpRecords, signUpOn } from './account/sign-up.ts';
export { addRecoveryKey, registerPassword } from './account/ways-in.ts';
export { HttpError } from './errors.ts';
export { DelayControl, SAMPLES_EVERY } from './give-way/delay-control.ts';
export { HttpCustody } from './http-custody.ts';
export type { Answer, Outgoing, Send } from './send.ts';
export type { DeviceCredentials, UnlockedSession } from './session.ts';
export { Transport, type TransportOptions } from './transport.ts';
