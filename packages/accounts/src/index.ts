/** Accounts as a server keeps them (security.md §3.6, §3.9, §5), without transport. Opens nothing, holds no secret. */
export { type AccountSummary, accountName, accountRole, countAccounts, listAccounts } from './account-list.ts';
export { prefixOf } from './address.ts';
export { type AuditEvent, type AuditType, auditEntries, auditHash, recordAudit } from './audit-log.ts';
export { AccountsError, type AccountsErrorCode } from './errors.ts';
export { clearExpired } from './expiry.ts';
export { type FactorState, factorOf, removeFactor } from './factor.ts';
export { type FactorProof, finishFactor, type NewFactor, startFactor } from './factor-enrolment.ts';
export type { FactorSide } from './factor-side.ts';
export { type FactorFinish, type FactorWanted, finishFactorSignIn } from './factor-sign-in.ts';
export {
  type AccountRole,
  type InviteOptions,
  invite,
  type NewInvitation,
  openInvitations,
  withdrawInvitation,
} from './invitations.ts';
export type { OpaqueParties, OpaqueSide } from './opaque-side.ts';
export {
  openPairing,
  type PairingMessage,
  type PairingSide,
  readPairingMessage,
  sendPairingMessage,
} from './pairings.ts';
export {
  finishPasswordChange,
  type PasswordChangeChallenge,
  type PasswordChangeFinish,
  startPasswordChange,
} from './password-change.ts';
export { assignPlan, listPlans, type Plan, type PlanGift, putPlan } from './plans.ts';
export { ceilingOf, graceCeilingOf, noteUsage, type Quota, quotaOf, standingOf } from './quota.ts';
export {
  finishRecovery,
  type RecoveryChallenge,
  type RecoveryFinish,
  type RecoveryStart,
  startRecovery,
} from './recovery.ts';
export { renewRecoveryCodes } from './recovery-codes.ts';
export { addRecovery, dropRecovery, type RecoveryRecords } from './recovery-keys.ts';
export { migrate } from './schema.ts';
export { endSessions, goesOn, type SessionStanding, sessionStanding } from './session-epoch.ts';
export {
  finishSignIn,
  passwordSlot,
  type SignInChallenge,
  type SignInFinish,
  type SignInStart,
  startSignIn,
} from './sign-in.ts';
export {
  finishSignUp,
  type SignUpChallenge,
  type SignUpFinish,
  type SignUpStart,
  startSignUp,
} from './sign-up.ts';
export type { SignedIn } from './signed-in.ts';
export type { AccountsSurroundings } from './surroundings.ts';
export { type Suspension, setSuspension } from './suspension.ts';
export {
  endSession,
  noteSession,
  type OpenSession,
  openSessions,
  type SignInMethod,
} from './unlocked-sessions.ts';
