/** JSON forms of the Custody seam. Bytes are base64url, ids in paths hex; both sides check against these schemas. */
import { type Static, type TSchema, Type } from 'typebox';
import { base64url, Count, Hash, hex, Id, Milliseconds, Seconds, Seq, strict } from './json-forms.ts';

export * from './account-schemas.ts';

/** Not too long for one answer; a client asks for more at a time only in vain. */
const Seqs = Type.Array(Seq, { maxItems: 10_000 });

export const VaultPath = Type.Object({ vault: hex(16) }, strict);
export const PackPath = Type.Object({ vault: hex(16), pack: hex(32) }, strict);
export const ObjectPath = Type.Object({ vault: hex(16), object: hex(32) }, strict);
export const RefsetPath = Type.Object({ vault: hex(16), seq: Seq }, strict);
export const SlotPath = Type.Object({ slot: hex(16) }, strict);
export const GrantPath = Type.Object({ grant: hex(32) }, strict);

export const FromQuery = Type.Object({ from: Seq }, strict);
export const SinceQuery = Type.Object({ since: Seq }, strict);
export const PagesQuery = Type.Object(
  {
    first: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
  },
  strict,
);

/** `name`: what its owner signs in with. */
export const AccountAnswer = Type.Object({ accountId: Id, name: Type.String(), writerCanDestroy: Type.Boolean() });
export const Appended = Type.Object({ outcome: Type.Unsafe<'appended' | 'head-moved'>(Type.String()) });
export const HeadAnswer = Type.Object({ seq: Seq, hash: Hash });

/** One form for three outcomes, so that it is checked by one schema: `missing` is set for missing-packs, else `head`. */
export const CommitAnswer = Type.Object({
  outcome: Type.Unsafe<'accepted' | 'missing-packs' | 'head-moved'>(
    Type.String({ enum: ['accepted', 'missing-packs', 'head-moved'] }),
  ),
  head: Type.Optional(HeadAnswer),
  missing: Type.Optional(Type.String({ description: 'pack ids, 32 bytes each, sorted' })),
});

export const SnapshotAnswer = Type.Object({
  seq: Seq,
  kind: Type.Unsafe<'complete' | 'checkpoint'>(Type.String({ enum: ['complete', 'checkpoint'] })),
  deviceId: Id,
  streamId: Id,
  object: Hash,
  receivedAt: Milliseconds,
  state: Type.Unsafe<'active' | 'trashed' | 'expired'>(Type.String({ enum: ['active', 'trashed', 'expired'] })),
  expiresAt: Type.Optional(Milliseconds),
});
export const SnapshotsAnswer = Type.Object({ snapshots: Type.Array(SnapshotAnswer) });

export const SeqsBody = Type.Object({ seqs: Seqs }, strict);
export const TrashAnswer = Type.Object({
  changes: Type.Array(Type.Object({ seq: Seq, expiresAt: Milliseconds })),
});

const Days = Type.Integer({ minimum: 0, maximum: 36_500 });
export const CollectBody = Type.Object(
  { trashDays: Type.Optional(Days), purgeDays: Type.Optional(Days), dryRun: Type.Optional(Type.Boolean()) },
  strict,
);
export const PurgeAnswer = Type.Object({
  condemned: Count,
  condemnedBytes: Count,
  purgedPacks: Count,
  purgedBytes: Count,
  purgedObjects: Count,
  expiredSnapshots: Count,
  paused: Type.Optional(
    Type.Unsafe<'clock-jump' | 'hold'>(Type.String({ enum: ['clock-jump', 'hold'], description: 'why nothing went' })),
  ),
});
/** `hold` is absent where none stands. */
export const HoldAnswer = Type.Object({
  hold: Type.Optional(Type.Object({ since: Type.Optional(Milliseconds), deviceId: Type.Optional(Id) })),
});
export const UsageAnswer = Type.Object({
  packs: Count,
  packBytes: Count,
  objects: Count,
  objectBytes: Count,
  condemnedBytes: Count,
  pendingBytes: Type.Optional(Count),
  pendingUntil: Type.Optional(Milliseconds),
  unreadCommits: Count,
  parityBytes: Type.Optional(Count),
});
const QuotaState = Type.Unsafe<'within' | 'near' | 'grace' | 'full'>(
  Type.String({ enum: ['within', 'near', 'grace', 'full'] }),
);
export const AccountUsageAnswer = Type.Object({
  storedBytes: Count,
  quota: Type.Optional(
    Type.Object({
      plan: Type.String({ maxLength: 100 }),
      limit: Count,
      state: QuotaState,
      graceUntil: Type.Optional(Milliseconds),
    }),
  ),
});
const AuditKind = Type.Union([Type.Literal('damage'), Type.Literal('unprotected'), Type.Literal('stray')]);
export const AuditAnswer = Type.Object({
  findings: Type.Array(Type.Object({ kind: AuditKind, place: Type.String(), what: Type.String() })),
});

export const UnknownRefsetsAnswer = Type.Object({
  refsets: Type.Array(Type.Object({ seq: Seq, snapshot: Seq, digest: Hash })),
});
export const RestatedAnswer = Type.Object({ restated: Type.Boolean() });
export const PutBackAnswer = Type.Object({ putBack: Type.Boolean() });

export const ChallengeAnswer = Type.Object({ serverId: Id, nonce: Hash });
export const SessionBody = Type.Object(
  {
    accountId: Id,
    deviceId: Id,
    nonce: Hash,
    /** Unix seconds. */
    time: Seconds,
    signature: base64url(64),
  },
  strict,
);
export type SessionBody = Static<typeof SessionBody>;
/** The second site: how many vaults wait to be copied, and for how long the first of them has. */
export const ReplicaState = Type.Object({ vaults: Count, behindSeconds: Count });
export type ReplicaState = Static<typeof ReplicaState>;
export const HealthAnswer = Type.Object({
  status: Type.Unsafe<'ok' | 'stopping'>(Type.String()),
  database: Type.Optional(Type.Unsafe<'ok' | 'away'>(Type.String({ enum: ['ok', 'away'] }))),
  replica: Type.Optional(ReplicaState),
});

export type AnswerOf<S extends TSchema> = Static<S>;
