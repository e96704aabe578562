/**
 * A vault in memory, written by this file and not by the engine's writer, with real keys, seals and signatures; for the
 * tests of everything that reads. Frames are stored; 'compressed' ones are run-length coded, which `decompress` undoes.
 */
import {
  concatBytes,
  encodeCbor,
  equalBytes,
  ladderPages,
  type PackKind,
  toHex,
  utf8Encode,
  writeU32,
} from '@keephold/bytes';
import {
  asKey,
  blobId,
  chainId,
  ed25519FromSeed,
  nextChainKey,
  OBJECT_TYPE,
  objectName,
  openAsRecipient,
  packKey,
  type SessionKey,
  sealObject,
  sealPage,
  sealToRecipient,
  sessionIdOf,
  sessionKey,
  sha256,
  sign,
  snapshotKey,
  verifyStrict,
  type XWingKeyPair,
  xWingFromSeed,
} from '@keephold/crypto';
import {
  asAccountId,
  asDeviceId,
  asObjectName,
  asPackId,
  asSessionId,
  asStreamId,
  asVaultId,
  type BlobId,
  type Commit,
  commitHashInput,
  commitSigningInput,
  type DeviceId,
  decodeRecord,
  encodeCommit,
  encodePackHeader,
  type Head,
  joinSigned,
  type KeychainState,
  type ObjectName,
  PAGE_LENGTH,
  type PackId,
  type PackIdList,
  type PageRange,
  packsDigestInput,
  type ReadingCustody,
  type RecordVerifier,
  refsetDigestInput,
  SEALED_PAGE_LENGTH,
  type SessionId,
  type SnapshotRecord,
  type StoredCommit,
  sortPackIds,
  unionPackIds,
} from '@keephold/protocol';
import { encodeIndexPayload, type IndexedPack } from '../index-object.ts';
import type { BlobKind } from '../pack-contents.ts';
import { encodeTail, TAIL_BYTES } from '../pack-contents.ts';
import { encodeSnapshot, type SnapshotPayload } from '../snapshot.ts';
import type { RepositoryOptions } from './repository.ts';
import type { OpenSessionObject } from './session-keys.ts';

export const noise = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let at = 0, block = 0; at < length; at += 32, block++) {
    const hash = sha256(new Uint8Array(new Uint32Array([seed, block]).buffer));
    bytes.set(hash.subarray(0, Math.min(32, length - at)), at);
  }
  return bytes;
};

export const verifier: RecordVerifier = { sha256, verify: verifyStrict };

export interface Blob {
  readonly kind: BlobKind;
  readonly bytes: Uint8Array;
}

export interface Frame {
  readonly blobs: readonly Blob[];
  readonly compressed?: boolean;
  /** Compressed bytes of the caller's making. */
  readonly storedAs?: Uint8Array;
}

export interface TestDevice {
  readonly deviceId: DeviceId;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly publicKey: Uint8Array;
  /** Session objects it made, newest last. */
  readonly session: { readonly object: ObjectName; readonly id: SessionId; readonly key: SessionKey };
}

type CommitFields = Partial<{ -readonly [K in 'packsDigest' | 'refsetDigest']: Uint8Array }>;

export class MemoryVault implements ReadingCustody {
  readonly vaultId = asVaultId(noise(16, 1));
  readonly accountId = asAccountId(noise(16, 2));
  readonly idKey = asKey('IdKey', noise(32, 3));
  readonly indexKeys = new Map([
    [0, asKey('IndexKey', noise(32, 4))],
    [1, asKey('IndexKey', noise(32, 5))],
  ]);
  readonly createdHash = noise(32, 6);
  readonly objects = new Map<string, Uint8Array>();
  readonly packs = new Map<string, Uint8Array>();
  readonly commitBytes: Uint8Array[] = [];
  readonly refsets = new Map<number, PackIdList>();
  readonly devices: TestDevice[] = [];
  /** What was fetched, in order. */
  readonly fetched: string[] = [];
  epoch = 0;
  #readKeys: XWingKeyPair | undefined;
  #seed = 100;

  static async create(devices = 1): Promise<MemoryVault> {
    const vault = new MemoryVault();
    vault.#readKeys = await xWingFromSeed(asKey('XWingSeed', noise(32, 7)));
    for (let i = 0; i < devices; i++) vault.devices.push(await vault.#createDevice(i));
    return vault;
  }

  random = (length: number): Uint8Array => noise(length, this.#seed++);

  async #createDevice(number: number): Promise<TestDevice> {
    const pair = ed25519FromSeed(asKey('Ed25519Seed', noise(32, 20 + number)));
    const deviceId = asDeviceId(noise(16, 40 + number));
    const session = await this.newSession(deviceId, 60 + number, 3);
    return { deviceId, publicKey: pair.publicKey, sign: (message) => sign(pair.seed, message), session };
  }

  /** Seals a session object; answers session `n` of its chain. */
  async newSession(deviceId: DeviceId, seed: number, n: number): Promise<TestDevice['session']> {
    let key = asKey('ChainKey', noise(32, seed));
    const id = chainId(key, { vaultId: this.vaultId, deviceId });
    const payload = encodeCbor(
      new Map<number, Uint8Array | bigint>([
        [0, id],
        [1, key],
        [2, deviceId],
        [3, 5n],
      ]),
    );
    const recipient = (this.#readKeys as XWingKeyPair).publicKey;
    const place = { type: OBJECT_TYPE.session, contextId: this.vaultId, epoch: this.epoch };
    const object = this.putObject(await sealToRecipient({ ...place, recipient, payload, random: this.random }));
    for (let i = 0; i < n; i++) key = nextChainKey(key);
    return { object, id: asSessionId(sessionIdOf(id, n)), key: sessionKey(key) };
  }

  idOf({ kind, bytes }: Blob): BlobId {
    return blobId(this.idKey, kind, bytes) as Uint8Array as BlobId;
  }

  putObject(bytes: Uint8Array): ObjectName {
    const name = asObjectName(objectName(bytes));
    this.objects.set(toHex(name), bytes);
    return name;
  }

  /** Seals a pack; `alter` may change its plaintext before. */
  async putPack(
    kind: PackKind,
    frames: readonly Frame[],
    options: { readonly device?: TestDevice; readonly alter?: (plaintext: Uint8Array) => void } = {},
  ): Promise<IndexedPack> {
    const { session } = options.device ?? (this.devices[0] as TestDevice);
    const { contents, stored } = layOut(frames, (blob) => this.idOf(blob));
    const rows = contents.frames.length + contents.blobs.length;
    const pageCount = ladderPages(kind, Math.ceil((stored.length + rows + TAIL_BYTES) / PAGE_LENGTH));
    const plaintext = new Uint8Array(pageCount * PAGE_LENGTH);
    plaintext.set(stored);
    plaintext.set(contents.frames, plaintext.length - TAIL_BYTES - rows);
    plaintext.set(contents.blobs, plaintext.length - TAIL_BYTES - contents.blobs.length);
    plaintext.set(encodeTail(plaintext.length - TAIL_BYTES - rows, contents), plaintext.length - TAIL_BYTES);
    options.alter?.(plaintext);
    const packSalt = this.random(32);
    const header = encodePackHeader({ kind, vaultId: this.vaultId, sessionId: session.id, pageCount, packSalt });
    const key = packKey(session.key, header);
    const pages: Uint8Array[] = [];
    for (let index = 0; index < pageCount; index++) {
      pages.push(await sealPage({ key, index, page: plaintext.slice(index * PAGE_LENGTH, (index + 1) * PAGE_LENGTH) }));
    }
    const bytes = concatBytes(header, ...pages);
    const packId = asPackId(sha256(bytes));
    this.packs.set(toHex(packId), bytes);
    return { packId, packSalt, pageCount, kind, sessionId: session.id, contents };
  }

  async putIndex(packs: readonly IndexedPack[], payload = encodeIndexPayload(packs)): Promise<ObjectName> {
    const type = packs[0]?.kind === 2 ? OBJECT_TYPE.metaIndex : OBJECT_TYPE.dataIndex;
    const key = this.indexKeys.get(this.epoch) as NonNullable<ReturnType<typeof this.indexKeys.get>>;
    const place = { type, contextId: this.vaultId, epoch: this.epoch };
    return this.putObject(await sealObject({ ...place, key, payload, random: this.random }));
  }

  async putSnapshot(fields: Partial<SnapshotPayload> & Pick<SnapshotPayload, 'rootTree'>, device = this.devices[0]) {
    const { deviceId, session } = device as TestDevice;
    const payload = encodeSnapshot({
      vaultId: this.vaultId,
      streamId: streamOf(deviceId),
      deviceId,
      start: 1_700_000_000_000_000_000n,
      end: 1_700_000_001_000_000_000n,
      hostname: 'host',
      paths: [utf8Encode('/home')],
      stats: new Map(),
      prevCommitHash: this.headNow().hash,
      kind: 'complete',
      clientVersion: '',
      unreadable: [],
      tags: [],
      sourceKind: 0,
      ...fields,
    });
    const key = snapshotKey(session.key, this.vaultId);
    const place = { type: OBJECT_TYPE.snapshot, contextId: session.id, epoch: this.epoch };
    return this.putObject(await sealObject({ ...place, key, payload, random: this.random }));
  }

  /** Everything of one run: indexes of the packs, snapshot object, commit. */
  async addSnapshot(options: {
    readonly rootTree: BlobId;
    readonly packs?: readonly IndexedPack[];
    readonly refset?: PackIdList;
    readonly device?: TestDevice;
    readonly kind?: 'snapshot' | 'checkpoint';
    readonly fields?: Partial<SnapshotPayload>;
    readonly digests?: CommitFields;
    readonly superseded?: readonly ObjectName[];
  }): Promise<{ readonly seq: number; readonly indexes: readonly ObjectName[] }> {
    const { rootTree, packs = [], device = this.devices[0] as TestDevice } = options;
    const indexes: ObjectName[] = [];
    for (const kind of [1, 2] as const) {
      const some = packs.filter((pack) => pack.kind === kind);
      if (some.length > 0) indexes.push(await this.putIndex(some));
    }
    const kind = options.kind ?? 'snapshot';
    const snapshotObject = await this.putSnapshot(
      { rootTree, kind: kind === 'snapshot' ? 'complete' : 'checkpoint', ...options.fields },
      device,
    );
    const added = sortPackIds(packs.map(({ packId }) => packId));
    const refset = options.refset ?? unionPackIds(added, this.refsets.get(this.headNow().seq) ?? new Uint8Array());
    const seq = this.commit(device, {
      kind,
      streamId: streamOf(device.deviceId),
      snapshotObject,
      indexObjects: indexes,
      sessionObjects: [device.session.object],
      packsDigest: sha256(...packsDigestInput(added)),
      refsetDigest: sha256(...refsetDigestInput(refset)),
      parentSeq: undefined,
      superseded: options.superseded ?? [],
      ...options.digests,
    });
    this.refsets.set(seq, refset);
    return { seq, indexes };
  }

  /** Signs and appends a commit; answers its seq. */
  commit(device: TestDevice, fields: object): number {
    const { seq, hash } = this.headNow();
    const body = encodeCommit({
      vaultId: this.vaultId,
      seq: seq + 1,
      prevHash: hash,
      keychainSeq: 0,
      keychainHash: this.createdHash,
      clientTime: 1_700_000_000_000_000_000n,
      deviceId: device.deviceId,
      ...fields,
    } as Commit);
    this.commitBytes.push(joinSigned(body, device.sign(commitSigningInput(body))));
    return seq + 1;
  }

  headNow(): Head {
    const last = this.commitBytes.at(-1);
    return {
      seq: this.commitBytes.length,
      hash: last === undefined ? this.createdHash : sha256(...commitHashInput(last)),
    };
  }

  get keychain(): KeychainState {
    const epochs = [...this.indexKeys.keys()].map((epoch) => ({ epoch, readKey: new Uint8Array(1216), seq: 0 }));
    const policy = { windowDays: 30, trashDays: 30, dailyDays: 90, weeklyWeeks: 52, monthlyMonths: 12 };
    const { vaultId, createdHash } = this;
    const vault = {
      vaultId,
      createdSeq: 0,
      createdHash,
      policy,
      epochs,
      sealedName: undefined,
      holdReleasedSeq: undefined,
    };
    const devices = this.devices.map(({ deviceId, publicKey }) => ({
      deviceId,
      signingKey: publicKey,
      exchangeKey: new Uint8Array(1216),
      role: 'backup-only' as const,
      vaults: [vaultId],
      sealedName: undefined,
      addedSeq: 0,
      revokedSeq: undefined,
      compromisedSince: undefined,
      trusts: [],
    }));
    return {
      accountId: this.accountId,
      seq: 0,
      hash: createdHash,
      entryHashes: [createdHash],
      identityKey: new Uint8Array(32),
      exchangeKey: new Uint8Array(1216),
      eventKey: undefined,
      opaqueKey: undefined,
      devices: new Map(devices.map((device) => [toHex(device.deviceId), device])),
      vaults: new Map([[toHex(vaultId), vault]]),
      slots: new Map(),
      grants: new Map(),
      deleteRequests: [],
      healApprovals: [],
    };
  }

  openSessionObject: OpenSessionObject = async ({ bytes, deviceId }) => {
    const { seed } = this.#readKeys as XWingKeyPair;
    const expect = { type: OBJECT_TYPE.session, contextId: this.vaultId, epoch: this.epoch } as const;
    const fields = decodeRecord(await openAsRecipient({ bytes, expect, seed }), 'session object');
    const first = asKey('ChainKey', fields.bytes(1, 32));
    const id = chainId(first, { vaultId: this.vaultId, deviceId });
    if (!equalBytes(id, fields.bytes(0, 12))) throw Object.assign(new Error('of another device'), { code: 'session' });
    return {
      chainId: id,
      sessionKey(sessionId) {
        let key = first;
        for (let n = new DataView(sessionId.buffer, sessionId.byteOffset).getUint32(12, true); n > 0; n--) {
          key = nextChainKey(key);
        }
        return sessionKey(key);
      },
    };
  };

  /** What opens the vault for reading. */
  options(more: Partial<RepositoryOptions> = {}): RepositoryOptions {
    const { vaultId, idKey, indexKeys, keychain, openSessionObject } = this;
    const keys = { vaultId, idKey, indexKeys };
    return { custody: this, keys, keychain, verifier, openSessionObject, decompress: undoRuns, ...more };
  }

  async head(): Promise<Head> {
    return this.headNow();
  }

  async *commits(_vault: unknown, sinceSeq: number): AsyncGenerator<StoredCommit> {
    for (let seq = sinceSeq + 1; seq <= this.commitBytes.length; seq++) {
      this.fetched.push(`commit ${seq}`);
      yield { seq, bytes: this.commitBytes[seq - 1] as Uint8Array };
    }
  }

  async snapshots(): Promise<readonly SnapshotRecord[]> {
    return [];
  }

  async refset(_vault: unknown, seq: number): Promise<PackIdList> {
    return this.refsets.get(seq) as PackIdList;
  }

  async getObjects(_vault: unknown, names: readonly ObjectName[]): Promise<readonly (Uint8Array | undefined)[]> {
    for (const name of names) this.fetched.push(`object ${toHex(name)}`);
    return names.map((name) => this.objects.get(toHex(name))?.slice());
  }

  async getPack(_vault: unknown, packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined> {
    const bytes = this.packs.get(toHex(packId));
    if (bytes === undefined) return undefined;
    const start = range === undefined ? 0 : 96 + range.first * SEALED_PAGE_LENGTH;
    const end = range === undefined ? bytes.length : start + range.count * SEALED_PAGE_LENGTH;
    this.fetched.push(`pack ${toHex(packId)} ${range?.first ?? 'all'}+${range?.count ?? ''}`);
    const part = bytes.subarray(start, Math.min(end, bytes.length));
    into.set(part);
    return part.length;
  }
}

export function streamOf(deviceId: DeviceId): ReturnType<typeof asStreamId> {
  return asStreamId(deviceId.map((byte) => byte ^ 255));
}

/** Frames as they stand in a pack, with their rows. */
export function layOut(frames: readonly Frame[], idOf: (blob: Blob) => BlobId) {
  const stored: Uint8Array[] = [];
  const frameRows = new Uint8Array(frames.length * 16);
  const blobRows: Uint8Array[] = [];
  let offset = 0;
  frames.forEach(({ blobs, storedAs, compressed = storedAs !== undefined }, frame) => {
    const raw = concatBytes(...blobs.map(({ bytes }) => bytes));
    const bytes = storedAs ?? (compressed ? makeRuns(raw) : raw);
    [offset, bytes.length, raw.length].forEach((value, i) => writeU32(frameRows, frame * 16 + i * 4, value));
    frameRows[frame * 16 + 12] = compressed ? 1 : 0;
    offset += bytes.length;
    stored.push(bytes);
    let inFrame = 0;
    for (const blob of blobs) {
      const row = new Uint8Array(48);
      row.set(idOf(blob));
      [frame, inFrame, blob.bytes.length].forEach((value, i) => writeU32(row, 32 + i * 4, value));
      row[44] = blob.kind;
      inFrame += blob.bytes.length;
      blobRows.push(row);
    }
  });
  return { stored: concatBytes(...stored), contents: { frames: frameRows, blobs: concatBytes(...blobRows) } };
}

/** [length u32, byte] for each run. */
export function makeRuns(raw: Uint8Array): Uint8Array {
  const runs: Uint8Array[] = [];
  for (let at = 0; at < raw.length; ) {
    let end = at;
    while (end < raw.length && raw[end] === raw[at]) end++;
    const run = new Uint8Array(5);
    writeU32(run, 0, end - at);
    run[4] = raw[at] as number;
    runs.push(run);
    at = end;
  }
  return concatBytes(...runs);
}

/** Undoes `makeRuns`, within the announced length, as any Decompress must. */
export function undoRuns(frame: Uint8Array, rawLength: number): Uint8Array {
  const raw = new Uint8Array(rawLength);
  let at = 0;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  for (let run = 0; run < frame.length; run += 5) {
    const end = at + view.getUint32(run, true);
    if (end > rawLength) throw new Error('more than announced');
    raw.fill(frame[run + 4] as number, at, end);
    at = end;
  }
  if (at !== rawLength) throw new Error('less than announced');
  return raw;
}
