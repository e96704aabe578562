/** What lies in a vault, over HTTP. Nothing is decided here: the custody does. */
import { fromHex, toBase64Url, writeU64 } from '@keephold/bytes';
import {
  asObjectName,
  asPackId,
  asVaultId,
  type CommitOutcome,
  type Custody,
  type Head,
  type Hold,
  type ObjectName,
  type PackId,
  SEALED_PAGE_LENGTH,
  type SnapshotRecord,
  type VaultId,
} from '@keephold/protocol';
import { decodeRefsetBody, type schemas } from '@keephold/protocol/http';
import { ServerError } from '../errors.ts';
import { bytesOrAbsent, type Call, EMPTY, frames, type Handler, json } from './handler.ts';

export type VaultRoute =
  | 'head'
  | 'openSession'
  | 'putPack'
  | 'putObject'
  | 'referablePacks'
  | 'commits'
  | 'snapshots'
  | 'refset'
  | 'getObjects'
  | 'getPack'
  | 'untrash'
  | 'hold'
  | 'usage'
  | 'audit'
  | 'reportDamage'
  | 'lostPacks'
  | 'unknownRefsets'
  | 'recordedDelta'
  | 'restateRefset'
  | 'putBackCommit';

/** Objects may have 16 MiB: so few are in memory at once. */
const OBJECTS_IN_MEMORY = 2;

export const vaultHandlers: Readonly<Record<VaultRoute, Handler>> = {
  head: async (call) => json(headAnswer(await call.custody.head(vaultOf(call)))),
  openSession: async (call) => {
    await call.custody.openSession(vaultOf(call));
    return EMPTY;
  },
  putPack: async (call) => {
    await call.custody.putPack(vaultOf(call), packOf(call), call.bytes);
    return EMPTY;
  },
  putObject: async (call) => {
    await call.custody.putObject(vaultOf(call), asObjectName(fromHex(String(call.params['object']))), call.bytes);
    return EMPTY;
  },
  referablePacks: async (call) => bytesOrAbsent(await call.custody.referablePacks(vaultOf(call))),
  commits: async (call) => ({ kind: 'frames', frames: commitFrames(call) }),
  snapshots: async (call) => {
    const snapshots = await call.custody.snapshots(vaultOf(call));
    return json({ snapshots: snapshots.map(snapshotAnswer) });
  },
  refset: async (call) => bytesOrAbsent(await call.custody.refset(vaultOf(call), Number(call.params['seq']))),
  getObjects: async (call) => ({
    kind: 'frames',
    frames: objectFrames(call.custody, vaultOf(call), namesOf(call.bytes)),
  }),
  getPack: async (call) => await getPack(call),
  untrash: async (call) => {
    await call.custody.untrash(vaultOf(call), seqsOf(call));
    return EMPTY;
  },
  hold: async (call) => json(holdAnswer(await call.custody.hold(vaultOf(call)))),
  usage: async (call) => json(await call.custody.usage(vaultOf(call))),
  audit: async (call) => json({ findings: await call.custody.audit(vaultOf(call)) }),
  reportDamage: async (call) => bytesOrAbsent(await call.custody.reportDamage(vaultOf(call), call.bytes)),
  lostPacks: async (call) => bytesOrAbsent(await call.custody.lostPacks(vaultOf(call))),
  unknownRefsets: async (call) => {
    const refsets = await call.custody.unknownRefsets(vaultOf(call));
    return json({ refsets: refsets.map(({ digest, ...rest }) => ({ ...rest, digest: toBase64Url(digest) })) });
  },
  recordedDelta: async (call) => {
    const delta = await call.custody.recordedDelta(vaultOf(call), Number(call.params['seq']));
    return frames(delta === undefined ? [] : [delta.added, delta.removed]);
  },
  restateRefset: async (call) => {
    const restated = decodeRefsetBody(call.bytes);
    return json({ restated: await call.custody.restateRefset(vaultOf(call), Number(call.params['seq']), restated) });
  },
  putBackCommit: async (call) => json({ putBack: await call.custody.putBackCommit(vaultOf(call), call.bytes) }),
};

export function vaultOf({ params }: Call): VaultId {
  return asVaultId(fromHex(String(params['vault'])));
}

function packOf({ params }: Call): PackId {
  return asPackId(fromHex(String(params['pack'])));
}

export function seqsOf({ json: body }: Call): readonly number[] {
  return (body as schemas.AnswerOf<typeof schemas.SeqsBody>).seqs;
}

/** `call.bytes` is the memory to read into: routes without a body bring some for a pack. */
async function getPack(call: Call): ReturnType<Handler> {
  const { custody, query, bytes: into } = call;
  const { first, count } = query;
  if ((first === undefined) !== (count === undefined)) {
    throw new ServerError('malformed', 'first and count belong together');
  }
  const range = first === undefined || count === undefined ? undefined : { first, count };
  const room = range === undefined ? into : into.subarray(0, range.count * SEALED_PAGE_LENGTH);
  const length = await custody.getPack(vaultOf(call), packOf(call), room, range);
  return bytesOrAbsent(length === undefined ? undefined : into.subarray(0, length));
}

async function* commitFrames(call: Call): AsyncGenerator<Uint8Array> {
  for await (const { seq, bytes } of call.custody.commits(vaultOf(call), call.query['since'] ?? 0)) {
    const frame = new Uint8Array(8 + bytes.length);
    writeU64(frame, 0, BigInt(seq));
    frame.set(bytes, 8);
    yield frame;
  }
}

function namesOf(bytes: Uint8Array): readonly ObjectName[] {
  if (bytes.length % 32 !== 0) throw new ServerError('malformed', 'names have 32 bytes each');
  return Array.from({ length: bytes.length / 32 }, (_, at) => asObjectName(bytes.slice(at * 32, at * 32 + 32)));
}

async function* objectFrames(
  custody: Custody,
  vault: VaultId,
  names: readonly ObjectName[],
): AsyncGenerator<Uint8Array | undefined> {
  for (let at = 0; at < names.length; at += OBJECTS_IN_MEMORY) {
    yield* await custody.getObjects(vault, names.slice(at, at + OBJECTS_IN_MEMORY));
  }
}

export function holdAnswer(hold: Hold | undefined): schemas.AnswerOf<typeof schemas.HoldAnswer> {
  if (hold === undefined) return {};
  const { since, deviceId } = hold;
  return {
    hold: { ...(since !== undefined && { since }), ...(deviceId !== undefined && { deviceId: toBase64Url(deviceId) }) },
  };
}

function headAnswer({ seq, hash }: Head): schemas.AnswerOf<typeof schemas.HeadAnswer> {
  return { seq, hash: toBase64Url(hash) };
}

export function commitAnswer(outcome: CommitOutcome): schemas.AnswerOf<typeof schemas.CommitAnswer> {
  if (outcome.kind === 'missing-packs') return { outcome: outcome.kind, missing: toBase64Url(outcome.packs) };
  return { outcome: outcome.kind, head: headAnswer(outcome.head) };
}

function snapshotAnswer(record: SnapshotRecord): schemas.AnswerOf<typeof schemas.SnapshotAnswer> {
  const { seq, kind, deviceId, streamId, object, receivedAt, state, expiresAt } = record;
  return {
    seq,
    kind,
    deviceId: toBase64Url(deviceId),
    streamId: toBase64Url(streamId),
    object: toBase64Url(object),
    receivedAt,
    state,
    ...(expiresAt !== undefined && { expiresAt }),
  };
}
