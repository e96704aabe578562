/**
 * Run as a process of its own, with the keys of a device that was taken over: does to a shared vault whatever its signed
 * commits and the calls of a keeper let it do. `REPOSITORY STATE-FOLDER SEED ACTS`; says as JSON how often each act was
 * accepted and refused. It deletes no files: who can do that needs no keys.
 */
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import { OBJECT_TYPE, objectName, openObject, sealObject, sha256, sign, systemRandom } from '@keephold/crypto';
import { openRepositoryFolder } from '@keephold/custody';
import {
  type Commit,
  type CommitOutcome,
  type CommitRequest,
  type Custody,
  CustodyError,
  commitSigningInput,
  encodeCommit,
  joinSigned,
  type ObjectName,
  type PackId,
  type PackIdList,
  packsDigestInput,
  parseCommit,
  type RefsetDelta,
  refsetDigestInput,
  sortPackIds,
  unionPackIds,
} from '@keephold/protocol';
import { createObject, createPack } from '@keephold/testkit';
import { type DeviceState, decodeDeviceState, openDevice } from '@keephold/vault';
import { readVersionedFile } from '../../apps/keephold/src/access/versioned-file.ts';
import { encodeIndexPayload, type IndexedPack, parseIndexPayload } from '../../packages/engine/src/index-object.ts';
import { SeededRandom } from '../crash/seeded-random.ts';

const NOTHING: PackIdList = new Uint8Array(0);
const ATTEMPTS = 50;

/** What others have committed, as every device may see it. */
interface Victims {
  readonly commits: readonly (Commit & { readonly bytes: Uint8Array })[];
  readonly packs: readonly IndexedPack[];
}

interface CommitLists {
  readonly packsAdded: PackIdList;
  /** Undefined for what has no refset. */
  readonly refset?: { readonly parentSeq: number | undefined; readonly packs: PackIdList; readonly delta: RefsetDelta };
}

class MaliciousDevice {
  readonly #custody: Custody;
  readonly #state: DeviceState;
  readonly #random: SeededRandom;
  readonly #sent: CommitRequest[] = [];

  constructor(custody: Custody, state: DeviceState, random: SeededRandom) {
    this.#custody = custody;
    this.#state = state;
    this.#random = random;
  }

  get #vault(): DeviceState['grant']['vaultId'] {
    return this.#state.grant.vaultId;
  }

  /** Each answers the keeper's last word. */
  readonly acts: Readonly<Record<string, (victims: Victims) => Promise<CommitOutcome['kind']>>> = {
    'junk packs': async () => {
      const packs = await this.#junk(3);
      return await this.#snapshot({ packsAdded: packs.map(({ packId }) => packId), indexed: packs, refset: [] });
    },
    'a refset of packs that never were': async () =>
      await this.#snapshot({ packsAdded: [], indexed: [], refset: [this.#random.bytes(32) as unknown as PackId] }),
    'a refset with another digest': async ({ packs }) =>
      await this.#snapshot({
        packsAdded: [],
        indexed: [],
        refset: packs.map(({ packId }) => packId),
        digest: sha256(),
      }),
    'a refset of what others stored, in the stream of another, a century from now': async ({ packs, commits }) =>
      await this.#snapshot({
        packsAdded: [],
        indexed: [],
        refset: packs.map(({ packId }) => packId),
        as: this.#pick(commits.filter(({ kind }) => kind === 'snapshot')),
      }),
    'blobs of others claimed to be in junk': async ({ packs }) => {
      const [junk] = await this.#junk(1);
      const victim = this.#pick(packs.filter(({ kind }) => kind === 1));
      return await this.#listing(victim && junk && [{ ...junk, contents: victim.contents }]);
    },
    'packs of others listed with blobs swapped': async ({ packs }) => {
      const victim = this.#pick(packs);
      return await this.#listing(victim && [{ ...victim, contents: swapped(victim.contents) }]);
    },
    'packs of others listed with another salt': async ({ packs }) => {
      const victim = this.#pick(packs);
      return await this.#listing(victim && [{ ...victim, packSalt: this.#random.bytes(32) }]);
    },
    'index objects of others superseded': async ({ commits }) =>
      await this.#commit((head) => this.#maintenance(head, [], indexesOf(commits)), { packsAdded: NOTHING }),
    'objects of others named, then superseded': async ({ commits }) => {
      const names = [...indexesOf(commits), ...snapshotsOf(commits)].slice(0, 50);
      if (names.length === 0) return 'missing-packs';
      await this.#commit((head) => this.#maintenance(head, names, []), { packsAdded: NOTHING });
      return await this.#commit((head) => this.#maintenance(head, [], names), { packsAdded: NOTHING });
    },
    'a heal that takes away from a snapshot of another': async ({ commits }) => {
      const victim = this.#pick(commits.filter(({ kind }) => kind === 'snapshot'));
      if (victim === undefined) return 'missing-packs';
      const delta = { parentSeq: victim.seq, added: NOTHING, removed: NOTHING };
      return await this.#commit(
        (head) => ({
          ...head,
          kind: 'heal',
          indexObjects: [],
          sessionObjects: [],
          packsDigest: digestOf(NOTHING),
          refsetDigest: sha256(...refsetDigestInput(NOTHING)),
          parentSeq: victim.seq,
          superseded: [],
        }),
        { packsAdded: NOTHING, refset: { parentSeq: victim.seq, packs: NOTHING, delta } },
      );
    },
    'commits of others once more': async ({ commits }) => {
      const victim = this.#pick(commits);
      if (victim === undefined) return 'missing-packs';
      const { kind } = await this.#custody.commit(this.#vault, {
        bytes: victim.bytes,
        packsAdded: NOTHING,
        refset:
          victim.kind === 'index-maintenance' ? undefined : { parentSeq: undefined, added: NOTHING, removed: NOTHING },
      });
      return kind;
    },
    'own commits once more': async () => {
      const request = this.#pick(this.#sent);
      return request === undefined ? 'missing-packs' : (await this.#custody.commit(this.#vault, request)).kind;
    },
    'junk in the place of a pack of another': async ({ packs }) => {
      const victim = this.#pick(packs);
      if (victim === undefined) return 'missing-packs';
      for (const pages of [1, 2]) {
        const junk = createPack(this.#vault, victim.kind, pages);
        await this.#custody.putPack(this.#vault, victim.packId, junk.bytes);
      }
      return 'accepted';
    },
    'good packs of others said to be damaged': async ({ packs }) => {
      const lost = await this.#custody.reportDamage(
        this.#vault,
        sortPackIds(packs.slice(0, 4).map(({ packId }) => packId)),
      );
      if (lost.length > 0) throw new Error('the keeper took a good pack for damaged');
      return 'accepted';
    },
  };

  async look(): Promise<Victims> {
    const commits: (Commit & { bytes: Uint8Array })[] = [];
    const packs: IndexedPack[] = [];
    for await (const { bytes } of this.#custody.commits(this.#vault, 0)) {
      const { commit } = parseCommit(bytes);
      if (commit.deviceId === undefined || toHex(commit.deviceId) === toHex(this.#state.deviceId)) continue;
      commits.push({ ...commit, bytes });
      if (!('indexObjects' in commit)) continue;
      for (const object of await this.#custody.getObjects(this.#vault, commit.indexObjects))
        if (object !== undefined) packs.push(...(await this.#openIndex(object)));
    }
    return { commits, packs };
  }

  async #openIndex(bytes: Uint8Array): Promise<readonly IndexedPack[]> {
    const type = bytes[5] === OBJECT_TYPE.dataIndex ? OBJECT_TYPE.dataIndex : OBJECT_TYPE.metaIndex;
    const expect = { type, contextId: this.#vault, epoch: 0 };
    return parseIndexPayload(await openObject({ bytes, expect, key: this.#indexKey }), bytes[5] === 0x10 ? 1 : 2);
  }

  get #indexKey(): DeviceState['grant']['indexKeys'][number] {
    return this.#state.grant.indexKeys[0]!;
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#random.below(Math.max(1, list.length))];
  }

  async #junk(count: number): Promise<readonly IndexedPack[]> {
    const made: IndexedPack[] = [];
    for (let i = 0; i < count; i++) {
      // One of a kind may be short; more would be refused for their form.
      const pages = i === 0 ? 1 : 256;
      const { id: packId, bytes } = createPack(this.#vault, 1, pages);
      await this.#custody.putPack(this.#vault, packId, bytes);
      const frames = new Uint8Array(16);
      const blobs = new Uint8Array(48);
      new DataView(frames.buffer).setUint32(4, 100, true);
      new DataView(frames.buffer).setUint32(8, 100, true);
      blobs.set(this.#random.bytes(32));
      new DataView(blobs.buffer).setUint32(40, 100, true);
      blobs[44] = 1;
      const [packSalt, sessionId] = [bytes.slice(64, 96), bytes.slice(24, 40)];
      made.push({
        packId,
        packSalt,
        pageCount: pages,
        kind: 1,
        sessionId: sessionId as never,
        contents: { frames, blobs },
      });
    }
    return made;
  }

  async #putIndex(packs: readonly IndexedPack[]): Promise<ObjectName> {
    const type = packs[0]?.kind === 2 ? OBJECT_TYPE.metaIndex : OBJECT_TYPE.dataIndex;
    const place = { type, contextId: this.#vault, epoch: 0 };
    const payload = encodeIndexPayload(packs);
    const bytes = await sealObject({ ...place, key: this.#indexKey, payload, random: systemRandom });
    const name = objectName(bytes) as ObjectName;
    await this.#custody.putObject(this.#vault, name, bytes);
    return name;
  }

  /** An index object of packs that may be anybody's. */
  async #listing(packs: readonly IndexedPack[] | undefined): Promise<CommitOutcome['kind']> {
    if (packs === undefined) return 'missing-packs';
    const name = await this.#putIndex(packs);
    const packsAdded = sortPackIds(packs.map(({ packId }) => packId));
    return await this.#commit((head) => this.#maintenance(head, [name], [], packsAdded), { packsAdded });
  }

  async #snapshot(wanted: {
    readonly packsAdded: readonly PackId[];
    readonly indexed: readonly IndexedPack[];
    readonly refset: readonly PackId[];
    readonly digest?: Uint8Array;
    readonly as?: Commit | undefined;
  }): Promise<CommitOutcome['kind']> {
    const packsAdded = sortPackIds(wanted.packsAdded);
    const packs = unionPackIds(packsAdded, sortPackIds(wanted.refset));
    const object = createObject();
    await this.#custody.putObject(this.#vault, object.name, object.bytes);
    const indexObjects = wanted.indexed.length === 0 ? [] : [await this.#putIndex(wanted.indexed)];
    const { as, digest } = wanted;
    const streamId = as !== undefined && 'streamId' in as ? as.streamId : (this.#random.bytes(16) as never);
    return await this.#commit(
      (head) => ({
        ...head,
        clientTime: as === undefined ? head.clientTime : head.clientTime + 3_155_760_000_000_000_000n,
        kind: 'snapshot',
        streamId,
        snapshotObject: object.name,
        indexObjects,
        sessionObjects: [],
        packsDigest: digestOf(packsAdded),
        refsetDigest: digest ?? sha256(...refsetDigestInput(packs)),
        parentSeq: undefined,
        superseded: [],
      }),
      {
        packsAdded,
        refset: { parentSeq: undefined, packs, delta: { parentSeq: undefined, added: packs, removed: NOTHING } },
      },
    );
  }

  #maintenance(
    head: CommitHead,
    indexObjects: readonly ObjectName[],
    superseded: readonly ObjectName[],
    packs: PackIdList = NOTHING,
  ): Commit {
    return { ...head, kind: 'index-maintenance', indexObjects, superseded, packsDigest: digestOf(packs) };
  }

  /** Signed on top of the head, again when others were first. */
  async #commit(
    make: (head: CommitHead) => Commit,
    { packsAdded, refset }: CommitLists,
  ): Promise<CommitOutcome['kind']> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { keychain } = await openDevice(this.#custody, this.#state);
      const { seq, hash } = await this.#custody.head(this.#vault);
      const head = {
        vaultId: this.#vault,
        seq: seq + 1,
        prevHash: hash,
        deviceId: this.#state.deviceId,
        keychainSeq: keychain.seq,
        keychainHash: keychain.hash,
        clientTime: BigInt(Date.now()) * 1_000_000n,
      };
      const body = encodeCommit(make(head));
      const bytes = joinSigned(body, sign(this.#state.signingSeed, commitSigningInput(body)));
      const request = { bytes, packsAdded, refset: refset?.delta };
      const { kind } = await this.#custody.commit(this.#vault, request);
      if (kind === 'accepted') this.#sent.push(request);
      if (kind !== 'head-moved') return kind;
    }
    return 'head-moved';
  }
}

type CommitHead = Pick<Commit, 'vaultId' | 'seq' | 'prevHash' | 'keychainSeq' | 'keychainHash' | 'clientTime'> & {
  readonly deviceId: DeviceState['deviceId'];
};

function digestOf(packs: PackIdList): Uint8Array {
  return sha256(...packsDigestInput(packs));
}

function indexesOf(commits: Victims['commits']): readonly ObjectName[] {
  return commits.flatMap((commit) => ('indexObjects' in commit ? commit.indexObjects : []));
}

function snapshotsOf(commits: Victims['commits']): readonly ObjectName[] {
  return commits.flatMap((commit) => ('snapshotObject' in commit ? [commit.snapshotObject] : []));
}

/** Each blob under the id of the one after it. */
function swapped({ frames, blobs }: IndexedPack['contents']): IndexedPack['contents'] {
  const other = blobs.slice();
  for (let at = 0; at < blobs.length; at += 48) {
    const from = (at + 48) % blobs.length;
    other.set(blobs.subarray(from, from + 32), at);
  }
  return { frames, blobs: other };
}

const [, , repository = '', stateFolder = '', seed = '0', acts = '0'] = process.argv;
const bytes = readVersionedFile({ folder: join(stateFolder), name: 'device' });
if (bytes === undefined) throw new Error(`no device in ${stateFolder}`);
const state = decodeDeviceState(bytes);
const random = new SeededRandom(Number(seed));
const custody = await openRepositoryFolder(repository);
const device = new MaliciousDevice(custody, state, random);
const told: Record<string, Record<string, number>> = {};
const names = Object.keys(device.acts);
for (let act = 0; act < Number(acts); act++) {
  // Every act once, then by chance.
  const name = names[act < names.length ? act : random.below(names.length)]!;
  let outcome: string;
  try {
    outcome = await device.acts[name]!(await device.look());
  } catch (error) {
    if (!(error instanceof CustodyError) || (error.code !== 'refused' && error.code !== 'unavailable')) throw error;
    outcome = error.code;
  }
  told[name] = { ...told[name], [outcome]: (told[name]?.[outcome] ?? 0) + 1 };
}
await custody[Symbol.asyncDispose]();
console.log(JSON.stringify(told));
