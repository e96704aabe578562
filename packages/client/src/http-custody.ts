/** The Custody seam by requests to a server. It believes nothing: form and bounds are checked here, truth by who asks. */
import { concatBytes, fromBase64Url, readU64, toHex, utf8Encode } from '@keephold/bytes';
import {
  type AccountId,
  type AccountUsage,
  type AuditFinding,
  asDeviceId,
  asObjectName,
  asStreamId,
  type CollectOptions,
  type CommitOutcome,
  type CommitRequest,
  type Custody,
  type CustodyProperties,
  type Head,
  type Hold,
  MalformedRecordError,
  type ObjectName,
  type PackId,
  type PackIdList,
  type PageRange,
  type PurgeReport,
  type PutPackOptions,
  type RecordedDelta,
  type RestatedRefset,
  type RetentionChange,
  SEALED_PAGE_LENGTH,
  type SnapshotRecord,
  type StoredCommit,
  type UnknownRefset,
  type Usage,
  type VaultId,
} from '@keephold/protocol';
import {
  encodeCommitBody,
  encodeRefsetBody,
  type Frame,
  LARGEST_COMMIT_BODY,
  LARGEST_OBJECT,
  LARGEST_PACK_LIST,
  LARGEST_RECORD,
  MOST_RECORDS,
  OBJECTS_AT_ONCE,
  type Route,
  routes,
  type schemas,
} from '@keephold/protocol/http';
import { readBytes, readChecked, readFrames, readInto } from './read-response.ts';
import type { Answer } from './send.ts';
import type { Transport } from './transport.ts';

const RECORDS = { length: LARGEST_RECORD, count: MOST_RECORDS, total: 256 * 1024 * 1024 };
/** Enough to fill a line, few enough to bound memory: each holds a pack. */
const TRANSFERS = 4;

export class HttpCustody implements Custody {
  readonly properties: CustodyProperties = {
    uploadsInFlight: TRANSFERS,
    downloadsInFlight: TRANSFERS,
    writerCanDestroy: false,
    deletingNeedsOwner: true,
  };
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async accountId(): Promise<AccountId> {
    return await Promise.resolve(this.#transport.accountId);
  }

  async keychain(fromSeq: number): Promise<readonly Uint8Array[]> {
    return await this.#records(routes.keychain, { query: { from: fromSeq } });
  }

  async appendKeychain(entry: Uint8Array): Promise<'appended' | 'head-moved'> {
    const { outcome } = await this.#json(routes.appendKeychain, { body: entry });
    if (outcome !== 'appended' && outcome !== 'head-moved') throw malformed('an unknown outcome');
    return outcome;
  }

  async slots(): Promise<readonly Uint8Array[]> {
    return await this.#records(routes.slots, {});
  }

  async putSlot(slotId: Uint8Array, record: Uint8Array): Promise<void> {
    await this.#send(routes.putSlot, { params: { slot: toHex(slotId) }, body: record });
  }

  async removeSlot(slotId: Uint8Array): Promise<void> {
    await this.#send(routes.removeSlot, { params: { slot: toHex(slotId) } });
  }

  async keyring(): Promise<Uint8Array | undefined> {
    return await this.#bytes(routes.keyring, {}, LARGEST_RECORD);
  }

  async putKeyring(sealed: Uint8Array): Promise<void> {
    await this.#send(routes.putKeyring, { body: sealed });
  }

  async putGrant(name: ObjectName, sealed: Uint8Array): Promise<void> {
    await this.#send(routes.putGrant, { params: { grant: toHex(name) }, body: sealed });
  }

  async grant(name: ObjectName): Promise<Uint8Array | undefined> {
    return await this.#bytes(routes.grant, { params: { grant: toHex(name) } }, LARGEST_RECORD);
  }

  async head(vault: VaultId): Promise<Head> {
    return headOf(await this.#json(routes.head, { params: of(vault) }));
  }

  async openSession(vault: VaultId): Promise<void> {
    await this.#send(routes.openSession, { params: of(vault) });
  }

  async putObject(vault: VaultId, name: ObjectName, bytes: Uint8Array): Promise<void> {
    await this.#send(routes.putObject, { params: { ...of(vault), object: toHex(name) }, body: bytes });
  }

  /** The pack stays where it is until the server has it: it may have to be sent again. */
  async putPack(vault: VaultId, packId: PackId, bytes: Uint8Array, { signal }: PutPackOptions = {}): Promise<void> {
    const params = { ...of(vault), pack: toHex(packId) };
    await this.#send(routes.putPack, { params, body: bytes, ...(signal !== undefined && { signal }) });
  }

  async commit(vault: VaultId, request: CommitRequest): Promise<CommitOutcome> {
    const answer = await this.#json(routes.commit, { params: of(vault), body: encodeCommitBody(request) });
    return outcomeOf(answer);
  }

  async referablePacks(vault: VaultId): Promise<PackIdList> {
    return await this.#list(routes.referablePacks, of(vault));
  }

  async *commits(vault: VaultId, sinceSeq: number): AsyncGenerator<StoredCommit> {
    const limits = { ...RECORDS, length: LARGEST_COMMIT_BODY };
    const frames = await this.#transport.call({
      route: routes.commits,
      params: of(vault),
      query: { since: sinceSeq },
      read: async (response) => await readFrames(response, limits),
    });
    for (const frame of frames ?? []) {
      if (frame === undefined || frame.length < 8) throw malformed('a commit without a seq');
      yield { seq: Number(readU64(frame, 0)), bytes: frame.slice(8) };
    }
  }

  async snapshots(vault: VaultId): Promise<readonly SnapshotRecord[]> {
    const { snapshots } = await this.#json(routes.snapshots, { params: of(vault) });
    return snapshots.map(snapshotOf);
  }

  async refset(vault: VaultId, seq: number): Promise<PackIdList> {
    return await this.#list(routes.refset, { ...of(vault), seq: String(seq) });
  }

  async getObjects(vault: VaultId, names: readonly ObjectName[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found: Frame[] = [];
    for (let at = 0; at < names.length; at += OBJECTS_AT_ONCE) {
      found.push(...(await this.#objects(vault, names.slice(at, at + OBJECTS_AT_ONCE))));
    }
    return found;
  }

  async #objects(vault: VaultId, names: readonly ObjectName[]): Promise<readonly Frame[]> {
    const limits = { length: LARGEST_OBJECT, count: names.length, total: names.length * (LARGEST_OBJECT + 4) };
    const frames = await this.#transport.call({
      route: routes.getObjects,
      params: of(vault),
      body: concatBytes(...names),
      read: async (response) => await readFrames(response, limits),
    });
    if (frames?.length !== names.length) throw malformed('another number of objects than asked for');
    return frames;
  }

  async getPack(vault: VaultId, packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined> {
    const room = range === undefined ? into : into.subarray(0, range.count * SEALED_PAGE_LENGTH);
    return await this.#transport.call({
      route: routes.getPack,
      params: { ...of(vault), pack: toHex(packId) },
      ...(range !== undefined && { query: { first: range.first, count: range.count } }),
      read: async (response) => await readInto(response, room),
    });
  }

  async trash(vault: VaultId, seqs: readonly number[]): Promise<readonly RetentionChange[]> {
    const { changes } = await this.#json(routes.trash, { params: of(vault), body: jsonBody({ seqs }) });
    return changes;
  }

  async untrash(vault: VaultId, seqs: readonly number[]): Promise<void> {
    await this.#send(routes.untrash, { params: of(vault), body: jsonBody({ seqs }) });
  }

  /** The server knows which device asks. */
  async setHold(vault: VaultId): Promise<Hold> {
    const hold = holdOf(await this.#json(routes.setHold, { params: of(vault) }));
    if (hold === undefined) throw malformed('no hold');
    return hold;
  }

  async hold(vault: VaultId): Promise<Hold | undefined> {
    return holdOf(await this.#json(routes.hold, { params: of(vault) }));
  }

  async collect(vault: VaultId, { trashDays, purgeDays, dryRun }: CollectOptions): Promise<PurgeReport> {
    const body = jsonBody({ trashDays, purgeDays, dryRun });
    return await this.#json(routes.collect, { params: of(vault), body });
  }

  async usage(vault: VaultId): Promise<Usage> {
    return await this.#json(routes.usage, { params: of(vault) });
  }

  async accountUsage(): Promise<AccountUsage> {
    return await this.#json(routes.accountUsage, {});
  }

  async audit(vault: VaultId): Promise<readonly AuditFinding[]> {
    return (await this.#json(routes.audit, { params: of(vault) })).findings;
  }

  async reportDamage(vault: VaultId, packs: PackIdList): Promise<PackIdList> {
    return await this.#list(routes.reportDamage, of(vault), packs);
  }

  async lostPacks(vault: VaultId): Promise<PackIdList> {
    return await this.#list(routes.lostPacks, of(vault));
  }

  async unknownRefsets(vault: VaultId): Promise<readonly UnknownRefset[]> {
    const { refsets } = await this.#json(routes.unknownRefsets, { params: of(vault) });
    return refsets.map(({ digest, ...rest }) => ({ ...rest, digest: fromBase64Url(digest) }));
  }

  async recordedDelta(vault: VaultId, seq: number): Promise<RecordedDelta | undefined> {
    const limits = { length: LARGEST_PACK_LIST, count: 2, total: 2 * (LARGEST_PACK_LIST + 4) };
    const frames = await this.#transport.call({
      route: routes.recordedDelta,
      params: { ...of(vault), seq: String(seq) },
      read: async (response) => await readFrames(response, limits),
    });
    const [added, removed] = (frames ?? []).map(packList);
    return added && removed && { added, removed };
  }

  async restateRefset(vault: VaultId, seq: number, restated: RestatedRefset): Promise<boolean> {
    const params = { ...of(vault), seq: String(seq) };
    return (await this.#json(routes.restateRefset, { params, body: encodeRefsetBody(restated) })).restated;
  }

  async putBackCommit(vault: VaultId, commit: Uint8Array): Promise<boolean> {
    return (await this.#json(routes.putBackCommit, { params: of(vault), body: ownBytes(commit) })).putBack;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #send(route: Route, parts: Parts): Promise<void> {
    await this.#transport.call({
      route,
      ...parts,
      read: async (response) => void (await readBytes(response, LARGEST_RECORD)),
    });
  }

  async #json<R extends JsonRoute>(route: R, parts: Parts): Promise<schemas.AnswerOf<R['answer']['schema']>> {
    const answer = await this.#transport.call({
      route,
      ...parts,
      read: async (response) => await readChecked(response, route.answer.schema),
    });
    return answer as schemas.AnswerOf<R['answer']['schema']>;
  }

  async #bytes(route: Route, parts: Parts, limit: number): Promise<Uint8Array | undefined> {
    return await this.#transport.call({ route, ...parts, read: async (response) => await readBytes(response, limit) });
  }

  async #list(route: Route, params: Parts['params'], body?: Uint8Array): Promise<PackIdList> {
    const parts = { ...(params !== undefined && { params }), ...(body !== undefined && { body: ownBytes(body) }) };
    return packList(await this.#bytes(route, parts, LARGEST_PACK_LIST));
  }

  async #records(route: Route, parts: Parts): Promise<readonly Uint8Array[]> {
    const read = async (response: Answer): Promise<readonly Frame[]> => await readFrames(response, RECORDS);
    const frames = (await this.#transport.call({ route, ...parts, read })) ?? [];
    return frames.filter((frame) => frame !== undefined);
  }
}

type JsonRoute = Route & { readonly answer: Extract<Route['answer'], { readonly kind: 'json' }> };
interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, number>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

function packList(list: Uint8Array | undefined): PackIdList {
  if (list === undefined || list.length % 32 !== 0) throw malformed('a list of packs that is none');
  return list;
}

function of(vault: VaultId): { readonly vault: string } {
  return { vault: toHex(vault) };
}

function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
}

function jsonBody(value: object): Uint8Array {
  return utf8Encode(JSON.stringify(value));
}

function headOf({ seq, hash }: schemas.AnswerOf<typeof schemas.HeadAnswer>): Head {
  return { seq, hash: fromBase64Url(hash) };
}

function holdOf({ hold }: schemas.AnswerOf<typeof schemas.HoldAnswer>): Hold | undefined {
  if (hold === undefined) return undefined;
  const { since, deviceId } = hold;
  return { since, deviceId: deviceId === undefined ? undefined : asDeviceId(fromBase64Url(deviceId)) };
}

function outcomeOf(answer: schemas.AnswerOf<typeof schemas.CommitAnswer>): CommitOutcome {
  const { outcome, head, missing } = answer;
  if (outcome === 'missing-packs') {
    if (missing === undefined) throw malformed('no packs that are missing');
    return { kind: outcome, packs: fromBase64Url(missing) };
  }
  if (head === undefined) throw malformed('no head');
  return { kind: outcome, head: headOf(head) };
}

function snapshotOf(record: schemas.AnswerOf<typeof schemas.SnapshotAnswer>): SnapshotRecord {
  const { deviceId, streamId, object, expiresAt, ...rest } = record;
  return {
    ...rest,
    deviceId: asDeviceId(fromBase64Url(deviceId)),
    streamId: asStreamId(fromBase64Url(streamId)),
    object: asObjectName(fromBase64Url(object)),
    expiresAt,
  };
}

function malformed(what: string): MalformedRecordError {
  return new MalformedRecordError(`read answer: ${what}`);
}
