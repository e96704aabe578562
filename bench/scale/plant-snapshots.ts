/**
 * Gives a repository years of snapshots: one real backup, and after it as many commits an hour apart as asked for, each
 * with a session, an index object, a snapshot object and a pack of its own, made by the engine's and the keeper's own
 * code. The packs hold noise: such snapshots can be listed, forgotten and collected, not restored. It must run in a
 * process of its own, whose clock it sets, and never on a real repository.
 */
import { join } from 'node:path';
import { SeededRandom } from '../data/seeded-random.ts';

const HOUR = 3_600_000;
/** So many packs of earlier snapshots does each one need. */
const PACKS_SHARED = 24;

// What is used of packages that keep it to themselves, or that this folder cannot name: not typed for that reason.
// oxlint-disable-next-line typescript/no-explicit-any
type Call = (...parameters: any[]) => any;
type Parts = Readonly<
  Record<
    | 'runProgram'
    | 'readEnvironment'
    | 'openAsDevice'
    | 'openRepositoryFolder'
    | 'openForReading'
    | 'nextSession'
    | 'confirmSession'
    | 'streamOf'
    | 'writeKeysOf'
    | 'sign'
    | 'systemRandom'
    | 'commitSnapshot'
    | 'digestRefset'
    | 'refsetDelta'
    | 'sortPackIds'
    | 'encodePackHeader'
    | 'packLength'
    | 'sha256',
    Call
  >
>;

export interface PlantSnapshotsOptions {
  /** Folder that the real backup takes. */
  readonly source: string;
  readonly snapshots: number;
  /** Unix milliseconds of the last one. */
  readonly last: number;
}

export async function plantSnapshots({ source, snapshots, last }: PlantSnapshotsOptions): Promise<void> {
  let time = last - snapshots * HOUR;
  Date.now = () => time;
  const host = await hostOf();
  const { runProgram } = await part('apps/keephold/src/program.ts');
  for (const args of [
    ['init', '--trusted', '--quiet'],
    ['backup', '--quiet', source],
  ]) {
    const code = await runProgram({ ...host, args });
    if (code !== 0) throw new Error(`keephold ${args.join(' ')} ended with ${code}`);
  }
  const writer = await openWriter({ ...host, out: silent, globals: {} }, source);
  for (let number = 1; number < snapshots; number++) {
    time += HOUR;
    await writer.next(time);
  }
  await writer.close();
}

const silent = { note: () => {}, warn: () => {} };

async function hostOf(): Promise<Record<string, unknown>> {
  const { readEnvironment } = await part('apps/keephold/src/environment.ts');
  const { openRepositoryFolder } = await part('packages/custody/src/index.ts');
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: readEnvironment(),
    terminal: {},
    signal: new AbortController().signal,
    version: '0.0.0',
    openRepository: openRepositoryFolder,
    now: Date.now,
  };
}

interface Writer {
  next(time: number): Promise<void>;
  close(): Promise<void>;
}

async function openWriter(context: object, source: string): Promise<Writer> {
  const { openAsDevice } = await part('apps/keephold/src/access/open-device.ts');
  const { openForReading } = await part('apps/keephold/src/access/open-for-reading.ts');
  const { nextSession, confirmSession } = await part('apps/keephold/src/access/sessions.ts');
  const { streamOf } = await part('apps/keephold/src/access/streams.ts');
  const { writeKeysOf } = await part('packages/vault/src/index.ts');
  const { sign, systemRandom } = await part('packages/crypto/src/index.ts');
  const { commitSnapshot, digestRefset } = await part('packages/engine/src/node/backup/commit-snapshot.ts');
  const { refsetDelta, sortPackIds } = await part('packages/protocol/src/index.ts');
  const access = await openAsDevice(context, { custody: { disk: await diskWithoutSync() } });
  const { custody, state, store, chain, vaultId } = access;
  const reading = await openForReading(context);
  const [first] = await reading.repository.snapshots();
  await reading[Symbol.asyncDispose]();
  const real = await custody.refset(vaultId, first.seq);
  const random = new SeededRandom('snapshots');
  const recent: Uint8Array[] = [];
  let [parent, refset] = [first.seq, real];
  const root = new TextEncoder().encode(source);
  const where = {
    custody,
    keys: writeKeysOf(state),
    sign: (message: Uint8Array) => sign(state.signingSeed, message),
    keychain: () => chain.keychain,
    stream: streamOf(store.folder, state.deviceId, [root]),
    hostname: 'planted',
    clientVersion: 'planted',
    source: { roots: [root] },
    tags: [],
    now: () => BigInt(Date.now()) * 1_000_000n,
    random: systemRandom,
  };
  return {
    next: async () => {
      const session = await nextSession(context, store, { state, custody });
      if (session.object !== undefined) await custody.putObject(vaultId, session.objectName, session.object);
      const pack = await noisePack(random, vaultId, session.sessionId);
      await custody.putPack(vaultId, pack.packId, pack.bytes);
      recent.push(pack.packId);
      const packs = sortPackIds([...idsOf(real), ...recent.slice(-PACKS_SHARED)]);
      const outcome = await commitSnapshot(
        where,
        { ...session, confirmed: () => confirmSession(store, session) },
        {
          kind: 'complete',
          rootTree: first.rootTree,
          start: where.now(),
          packs: [pack],
          refsetDigest: digestRefset(packs),
          refset: refsetDelta(parent, refset, packs),
          unreadable: [],
          stats: { files: 0, directories: 0, other: 0, bytes: 0 },
        },
      );
      if (outcome.kind !== 'committed') throw new Error('the keeper misses a pack that was put just now');
      [parent, refset] = [outcome.head.seq, packs];
    },
    close: async () => await access[Symbol.asyncDispose](),
  };
}

async function noisePack(random: SeededRandom, vaultId: Uint8Array, sessionId: Uint8Array): Promise<NoisePack> {
  const { encodePackHeader, packLength } = await part('packages/protocol/src/index.ts');
  const { sha256 } = await part('packages/crypto/src/verify.ts');
  const packSalt = random.bytes(32);
  const bytes = new Uint8Array(packLength(1));
  bytes.set(encodePackHeader({ kind: 2, vaultId, sessionId, pageCount: 1, packSalt }));
  bytes.set(random.bytes(64), bytes.length - 64);
  const length = 1000;
  const frames = new Uint8Array(16);
  const blobs = new Uint8Array(48);
  new DataView(frames.buffer).setUint32(4, length, true);
  new DataView(frames.buffer).setUint32(8, length, true);
  blobs.set(random.bytes(32));
  new DataView(blobs.buffer).setUint32(40, length, true);
  blobs[44] = 2;
  return { packId: sha256(bytes), bytes, packSalt, pageCount: 1, kind: 2, sessionId, contents: { frames, blobs } };
}

interface NoisePack {
  readonly packId: Uint8Array;
  readonly bytes: Uint8Array;
  readonly packSalt: Uint8Array;
  readonly pageCount: number;
  readonly kind: 2;
  readonly sessionId: Uint8Array;
  readonly contents: { readonly frames: Uint8Array; readonly blobs: Uint8Array };
}

/** It can be made again: a hundred thousand fsyncs for nothing. */
async function diskWithoutSync(): Promise<object> {
  const { nodeDisk } = (await part('packages/backend/src/index.ts')) as unknown as { nodeDisk: NodeDisk };
  return {
    ...nodeDisk,
    syncDirectory: async () => {},
    create: async (path: string, mode: number) => {
      const file = await nodeDisk.create(path, mode);
      return {
        write: async (bytes: Uint8Array) => await file.write(bytes),
        sync: async () => {},
        close: async () => await file.close(),
      };
    },
  };
}

interface NodeDisk {
  create(path: string, mode: number): Promise<{ write(bytes: Uint8Array): Promise<void>; close(): Promise<void> }>;
}

function idsOf(list: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: list.length / 32 }, (_, index) => list.subarray(index * 32, index * 32 + 32));
}

async function part(path: string): Promise<Parts> {
  return (await import(join(import.meta.dirname, '../..', path))) as Parts;
}
