/** JSON forms of sign-up, sign-in, pairing and administration. What OPAQUE says is bytes of its own form. */
import { type Static, Type } from 'typebox';
import { base64url, Count, Hash, hex, Id, Milliseconds, Seconds, strict } from './json-forms.ts';

/** Of OPAQUE: requests, answers and records, the longest of them some 400 bytes. */
const Message = Type.String({ pattern: '^[A-Za-z0-9_-]{1,1366}$', description: 'base64url, at most 1 KiB' });
const Invitation = Type.String({ maxLength: 100 });
const Name = Type.String({ minLength: 1, maxLength: 254 });

export const SignUpStartBody = Type.Object({ invitation: Invitation, request: Message }, strict);
export type SignUpStartBody = Static<typeof SignUpStartBody>;
export const SignUpStartAnswer = Type.Object({ attemptId: Hash, serverId: Id, eventKey: Hash, response: Message });

/** The first frame of a new account; the records follow it. */
export const SignUpHead = Type.Object(
  {
    attemptId: Hash,
    invitation: Invitation,
    name: Name,
    /** Of OPAQUE. */
    record: Message,
    /** Of the slot that the password opens. */
    slotId: Id,
    recovery: Type.Optional(Type.Object({ recoveryId: Id, publicKey: Hash, slotId: Id }, strict)),
  },
  strict,
);
export type SignUpHead = Static<typeof SignUpHead>;

export const SignInStartBody = Type.Object({ name: Name, request: Message }, strict);
export type SignInStartBody = Static<typeof SignInStartBody>;
export const SignInStartAnswer = Type.Object({ attemptId: Hash, accountId: Id, serverId: Id, response: Message });
/** `key` with its `mac`: what the session is to be bound to. */
export const SignInFinishBody = Type.Object({ attemptId: Hash, message: Message, key: Hash, mac: Hash }, strict);
export type SignInFinishBody = Static<typeof SignInFinishBody>;

export const SessionAnswer = Type.Object({ token: Hash, expiresAt: Milliseconds });
/** With a second factor there is no session yet: a code is to follow. */
export const SignInFinishAnswer = Type.Union([SessionAnswer, Type.Object({ factorAttemptId: Hash })]);
/** Six digits of an authenticator app, or a recovery code. */
const Code = Type.String({ pattern: '^([0-9]{6}|[0-9a-f]{20})$' });
export const FactorSignInBody = Type.Object({ attemptId: Hash, code: Code }, strict);
export type FactorSignInBody = Static<typeof FactorSignInBody>;

export const FactorAnswer = Type.Object({ since: Type.Optional(Milliseconds), codesLeft: Count });
export const FactorStartAnswer = Type.Object({
  attemptId: Hash,
  secret: base64url(20),
  recoveryCodes: Type.Array(base64url(10), { minItems: 1, maxItems: 100 }),
});
export const RecoveryCodesAnswer = Type.Object({
  recoveryCodes: Type.Array(base64url(10), { minItems: 1, maxItems: 100 }),
});
export const FactorBody = Type.Object({ attemptId: Hash, code: Type.String({ pattern: '^[0-9]{6}$' }) }, strict);
export type FactorBody = Static<typeof FactorBody>;

export const RecoveryStartBody = Type.Object({ recoveryId: Id }, strict);
export type RecoveryStartBody = Static<typeof RecoveryStartBody>;
export const RecoveryStartAnswer = Type.Object({ attemptId: Hash, accountId: Id, serverId: Id });
export const RecoveryFinishBody = Type.Object(
  { attemptId: Hash, time: Seconds, key: Hash, signature: base64url(64) },
  strict,
);
export type RecoveryFinishBody = Static<typeof RecoveryFinishBody>;

export const PasswordStartBody = Type.Object({ request: Message }, strict);
export type PasswordStartBody = Static<typeof PasswordStartBody>;
export const PasswordStartAnswer = Type.Object({ attemptId: Hash, response: Message });
export const PasswordFinishBody = Type.Object(
  { attemptId: Hash, record: Message, slotId: Id, slot: Type.String({ maxLength: 4096 }) },
  strict,
);
export type PasswordFinishBody = Static<typeof PasswordFinishBody>;
export const SessionPath = Type.Object({ session: hex(16) }, strict);
/** Those that a password or the words have opened, oldest first. */
export const SessionsAnswer = Type.Object({
  sessions: Type.Array(
    Type.Object({
      id: Id,
      method: Type.Unsafe<'password' | 'words'>(Type.String({ enum: ['password', 'words'] })),
      openedAt: Milliseconds,
      expiresAt: Milliseconds,
      /** The beginning of an address. */
      from: Type.String({ maxLength: 64 }),
      /** The one that asks. */
      isThis: Type.Boolean(),
    }),
  ),
});
export const RecoveryKeyBody = Type.Object({ recoveryId: Id, publicKey: Hash, slotId: Id }, strict);
export type RecoveryKeyBody = Static<typeof RecoveryKeyBody>;

export type PairingMessage = 'offer' | 'draft' | 'answer' | 'heads';
export const TicketPath = Type.Object({ ticket: hex(16) }, strict);
/** offer and answer come from the device, draft and heads from the app (security.md §3.10). */
export const MessagePath = Type.Object(
  {
    ticket: hex(16),
    message: Type.Unsafe<PairingMessage>(Type.String({ enum: ['offer', 'draft', 'answer', 'heads'] })),
  },
  strict,
);
export const PairingAnswer = Type.Object({ expiresAt: Milliseconds });

export const InviteBody = Type.Object({ days: Type.Integer({ minimum: 1, maximum: 365 }) }, strict);
export type InviteBody = Static<typeof InviteBody>;
export const InviteAnswer = Type.Object({ code: Type.String(), expiresAt: Milliseconds });
export const InvitationPath = Type.Object({ invitation: hex(32) }, strict);
/** `id`: hash of the code. */
export const InvitationsAnswer = Type.Object({
  invitations: Type.Array(Type.Object({ id: Hash, madeAt: Milliseconds, expiresAt: Milliseconds })),
});
const PlanName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' });
export const PlanPath = Type.Object({ plan: PlanName }, strict);
/** Without `bytes` there is no limit. */
export const PlanBody = Type.Object(
  { bytes: Type.Optional(Count), graceDays: Type.Integer({ minimum: 0, maximum: 365 }) },
  strict,
);
export type PlanBody = Static<typeof PlanBody>;
export const PlansAnswer = Type.Object({
  plans: Type.Array(Type.Object({ name: Type.String(), bytes: Type.Optional(Count), graceDays: Count })),
});
export const AssignPlanBody = Type.Object({ account: Name, plan: PlanName }, strict);
export type AssignPlanBody = Static<typeof AssignPlanBody>;

/** What the server sees anyway, and no more: no name of a device, no file. */
export const UsersAnswer = Type.Object({
  users: Type.Array(
    Type.Object({
      accountId: Id,
      name: Type.String(),
      createdAt: Milliseconds,
      isAdmin: Type.Boolean(),
      /** Undefined: it is not. */
      suspendedAt: Type.Optional(Milliseconds),
      devices: Count,
      snapshots: Count,
      bytes: Count,
      /** Undefined: nothing limits it. */
      plan: Type.Optional(Type.String()),
      limit: Type.Optional(Count),
      lastBackup: Type.Optional(Milliseconds),
      /** Packs and objects that were found damaged and not repaired; undefined: none. */
      damaged: Type.Optional(Count),
      /** Its records cannot be read now; the counts are zero. */
      isUnreadable: Type.Optional(Type.Boolean()),
    }),
  ),
});

/** `account`: what its owner signs in with. */
export const SuspensionBody = Type.Object({ account: Name, suspended: Type.Boolean() }, strict);
export type SuspensionBody = Static<typeof SuspensionBody>;

/** What owners are told of without asking. */
export const noticeChoices = ['quiet', 'device', 'access', 'deletion', 'quota', 'damage', 'digest'] as const;
export type NoticeChoice = (typeof noticeChoices)[number];
const Choice = Type.Unsafe<NoticeChoice>(Type.String({ enum: noticeChoices }));
const Choices = Type.Array(Choice, { maxItems: noticeChoices.length });
const Days = Type.Integer({ minimum: 0, maximum: 365 });
export const NoticesAnswer = Type.Object({
  /** Confirmed. */
  address: Type.Optional(Type.String()),
  unconfirmed: Type.Optional(Type.String()),
  wanted: Choices,
  /** After so many days without a commit a device is quiet; 0: never. */
  quietDays: Days,
  /** Whether this server sends any. */
  canMail: Type.Boolean(),
});
/** What is not there stays as it is; an empty address takes it away. */
export const NoticesBody = Type.Object(
  {
    address: Type.Optional(Type.String({ maxLength: 254 })),
    wanted: Type.Optional(Choices),
    quietDays: Type.Optional(Days),
  },
  strict,
);
export type NoticesBody = Static<typeof NoticesBody>;
export const ConfirmNoticesBody = Type.Object({ code: Type.String({ minLength: 1, maxLength: 100 }) }, strict);
export type ConfirmNoticesBody = Static<typeof ConfirmNoticesBody>;
