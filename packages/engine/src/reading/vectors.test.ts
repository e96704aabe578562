/**
 * The vectors are one small repository (their README): it opens from its commit on, with nothing but its keys. Packs are
 * sealed here, as the vectors hold digests of their pages only, and must get the name that the vectors say.
 */
import { concatBytes, fromHex, type PackKind, toHex, utf8Encode } from '@keephold/bytes';
import {
  asKey,
  blobId,
  chainId,
  nextChainKey,
  openAsRecipient,
  sealPage,
  sessionKey,
  sha256,
  verifyStrict,
} from '@keephold/crypto';
import {
  asAccountId,
  asDeviceId,
  asVaultId,
  decodeRecord,
  type KeychainState,
  type ObjectName,
  PAGE_LENGTH,
  type PackId,
  type PageRange,
  type ReadingCustody,
  SEALED_PAGE_LENGTH,
} from '@keephold/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import vectors from '../../../../vectors/format-v1.json' with { type: 'json' };
import { DamagedError } from '../errors.ts';
import { checkContents, parseTail } from '../pack-contents.ts';
import { collect } from './_stored-tree.ts';
import type { CommitLogState } from './commit-log.ts';
import { openRepository, type Repository, type RepositoryOptions } from './repository.ts';

const { V } = vectors;
const vaultId = asVaultId(fromHex(V.session.input.vaultId));
const deviceId = asDeviceId(fromHex(V.session.input.deviceId));
const large = Uint8Array.from({ length: 70_000 }, (_, i) => 7 * i + (i >> 8));
const manyA = new Uint8Array(1000).fill(0x61);
const zstdFrame = V.packTwoPages.input.frames[1] as { readonly storedBytes: string };

/** Frames as they stand in each pack. */
const storedFrames = {
  packOnePage: fromHex('68656c6c6f2c206261636b757020776f726c640a'),
  packTwoPages: concatBytes(large, fromHex(zstdFrame.storedBytes)),
  packMeta: concatBytes(
    ...[V.treeBlob, V.listBlob, V.listBlobLevel1, V.treeBlobRoot].map(({ plaintext }) => fromHex(plaintext)),
  ),
};
const packs = new Map<string, Uint8Array>();

async function sealPack(name: keyof typeof storedFrames): Promise<Uint8Array> {
  const vector = V[name];
  const plaintext = new Uint8Array(vector.pageCount * PAGE_LENGTH);
  const end = concatBytes(fromHex(vector.trailer), fromHex(vector.tail));
  plaintext.set(storedFrames[name]);
  plaintext.set(end, plaintext.length - end.length);
  const key = asKey('PackKey', fromHex(vector.packKey));
  const pages: Uint8Array[] = [];
  for (let index = 0; index < vector.pageCount; index++) {
    const page = plaintext.slice(index * PAGE_LENGTH, (index + 1) * PAGE_LENGTH);
    pages.push(await sealPage({ key, index, page }));
  }
  return concatBytes(fromHex(vector.header), ...pages);
}

beforeAll(async () => {
  for (const name of ['packOnePage', 'packTwoPages', 'packMeta'] as const) {
    packs.set(V[name].packId, await sealPack(name));
  }
});

const objects = new Map(
  [V.indexObject, V.metaIndexObject, V.sessionObjectHpke, V.snapshot].map(({ objectId, object }) => [
    objectId,
    fromHex(object),
  ]),
);

const custody: ReadingCustody = {
  head: async () => ({ seq: 5, hash: fromHex(V.commit.commitHash) }),
  async *commits(_vault, sinceSeq) {
    if (sinceSeq < 5) yield { seq: 5, bytes: fromHex(V.commit.bytes + V.commit.signature) };
  },
  snapshots: async () => [],
  refset: async () => fromHex(V.refsetDigest.sorted.join('')),
  getObjects: async (_vault, names: readonly ObjectName[]) => names.map((name) => objects.get(toHex(name))?.slice()),
  async getPack(_vault, packId: PackId, into: Uint8Array, range?: PageRange) {
    const bytes = packs.get(toHex(packId));
    if (bytes === undefined) return undefined;
    const start = range === undefined ? 0 : 96 + range.first * SEALED_PAGE_LENGTH;
    const part = bytes.subarray(start, range === undefined ? undefined : start + range.count * SEALED_PAGE_LENGTH);
    into.set(part);
    return part.length;
  },
};

/** What a device knows that has walked to commit 4 and to keychain entry 9. */
function knowledge(): { readonly keychain: KeychainState; readonly log: CommitLogState } {
  const entryHashes = Array.from({ length: 9 }, (_, i) => new Uint8Array(32).fill(i));
  entryHashes.push(fromHex(V.commit.input.fields['15']));
  const policy = { windowDays: 30, trashDays: 30, dailyDays: 90, weeklyWeeks: 52, monthlyMonths: 12 };
  const epochs = [0, 1, 2, 3].map((epoch) => ({ epoch, readKey: new Uint8Array(1216), seq: 1 }));
  const vault = {
    vaultId,
    createdSeq: 1,
    createdHash: new Uint8Array(32),
    policy,
    epochs,
    sealedName: undefined,
    holdReleasedSeq: undefined,
  };
  const device = {
    deviceId,
    signingKey: fromHex(V.commit.publicKey),
    exchangeKey: new Uint8Array(1216),
    role: 'backup-only' as const,
    vaults: [vaultId],
    sealedName: undefined,
    addedSeq: 2,
    revokedSeq: undefined,
    compromisedSince: undefined,
    trusts: [],
  };
  const keychain: KeychainState = {
    accountId: asAccountId(new Uint8Array(16)),
    seq: 9,
    hash: entryHashes[9] as Uint8Array,
    entryHashes,
    identityKey: new Uint8Array(32),
    exchangeKey: new Uint8Array(1216),
    eventKey: undefined,
    opaqueKey: undefined,
    devices: new Map([[toHex(deviceId), device]]),
    vaults: new Map([[toHex(vaultId), vault]]),
    slots: new Map(),
    grants: new Map(),
    deleteRequests: [],
    healApprovals: [],
  };
  const hashes = concatBytes(new Uint8Array(4 * 32), fromHex(V.commit.input.fields['3']));
  return {
    keychain,
    log: { vaultId, seq: 4, keychainSeq: 1, hashes, indexes: [], sessions: [], snapshots: [], purgedSeq: 0 },
  };
}

function options(more: Partial<RepositoryOptions> = {}): RepositoryOptions {
  return {
    custody,
    keys: {
      vaultId,
      idKey: asKey('IdKey', fromHex(V.blobId.input.idKey)),
      indexKeys: new Map([[3, asKey('IndexKey', fromHex(V.indexObject.input.K))]]),
    },
    ...knowledge(),
    verifier: { sha256, verify: verifyStrict },
    async openSessionObject({ bytes }) {
      const seed = asKey('XWingSeed', fromHex(V.sessionObjectHpke.input.readKeySeed));
      const expected = { type: 0x11, contextId: vaultId, epoch: 3 } as const;
      const fields = decodeRecord(await openAsRecipient({ bytes, expect: expected, seed }), 'session object');
      const first = asKey('ChainKey', fields.bytes(1, 32));
      const id = chainId(first, { vaultId, deviceId });
      expect(toHex(id)).toBe(V.session.chainId);
      return { chainId: id, sessionKey: () => sessionKey(nextChainKey(nextChainKey(first))) };
    },
    // The one frame of the vectors that zstd made; real zstd is tried where there is one.
    decompress(frame) {
      if (toHex(frame) !== zstdFrame.storedBytes) throw new Error('another frame');
      return concatBytes(manyA, utf8Encode('Keephold\n'));
    },
    ...more,
  };
}

async function read(repository: Repository, path: string): Promise<Uint8Array> {
  const snapshot = await repository.snapshot('latest');
  const node = await repository.nodeAt(snapshot, utf8Encode(path));
  return concatBytes(...(await collect(repository.readFile(node, snapshot))));
}

describe('the vectors', () => {
  it('have packs that are named by their bytes', () => {
    for (const [name, bytes] of packs) expect(toHex(sha256(bytes))).toBe(name);
    expect(packs.size).toBe(3);
  });

  it('have trailers that fit their packs', () => {
    for (const name of ['packOnePage', 'packTwoPages', 'packMeta'] as const) {
      const vector = V[name];
      const tail = parseTail(fromHex(vector.tail), vector.pageCount * PAGE_LENGTH);
      const trailer = fromHex(vector.trailer);
      const contents = { frames: trailer.subarray(0, tail.frames * 16), blobs: trailer.subarray(tail.frames * 16) };
      expect(checkContents(vector.kind as PackKind, contents, tail.trailerOffset)).toBeGreaterThan(0);
    }
  });

  it('have blob ids that follow from the plaintext', () => {
    const idKey = asKey('IdKey', fromHex(V.blobId.input.idKey));
    for (const { kind, plaintext, id } of [V.treeBlob, V.treeBlobRoot, V.listBlob, V.listBlobLevel1]) {
      expect(toHex(blobId(idKey, kind as 2 | 3, fromHex(plaintext)))).toBe(id);
    }
  });

  it('open as a repository, down to every file', async () => {
    const repository = await openRepository(options());
    expect(repository.log.head).toEqual({ seq: 5, hash: fromHex(V.commit.commitHash) });
    const [snapshot] = await repository.snapshots();
    expect(snapshot).toMatchObject({ seq: 5, hostname: 'laptop', clientVersion: '1.0.0', kind: 'complete' });
    expect(toHex(snapshot?.id as Uint8Array)).toBe(V.snapshot.objectId);
    const all = await collect(repository.walk(await repository.snapshot('latest')));
    expect(all.map(({ path }) => toHex(path))).toEqual(
      [fromHex('61ffff'), ...['dir', 'dir/b.txt', 'hello', 'listed'].map(utf8Encode)].map(toHex),
    );
    const hello = utf8Encode('hello, backup world\n');
    expect(await read(repository, 'hello')).toEqual(concatBytes(hello, manyA));
    expect(await read(repository, 'dir/b.txt')).toEqual(utf8Encode('Keephold\n'));
    expect(await read(repository, 'listed')).toEqual(concatBytes(hello, manyA, utf8Encode('Keephold\n'), large));
  });

  it('are what the commit signed for', async () => {
    const repository = await openRepository(options());
    const kinds = (await collect(repository.indexObjects('all'))).map(({ kind, packs: listed }) => [
      kind,
      listed.length,
    ]);
    expect(kinds).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(toHex(await repository.refset({ seq: 5 }))).toBe(V.refsetDigest.sorted.join(''));
  });

  it('have the keys that their packs were sealed with', async () => {
    const repository = await openRepository(options());
    const opened = (await collect(repository.indexObjects('all'))).flatMap((object) => object.packs);
    const keys = await Promise.all(opened.map((pack) => repository.packKeyOf(pack)));
    expect(keys.map(toHex)).toEqual([V.packOnePage.packKey, V.packTwoPages.packKey, V.packMeta.packKey]);
    const altered = opened.map((pack) => ({ ...pack, pageCount: pack.pageCount + 1 }));
    for (const [i, pack] of altered.entries())
      expect(toHex(await repository.packKeyOf(pack))).not.toBe(toHex(keys[i] as Uint8Array));
  });

  it('are refused when a page is exchanged for another of the same pack', async () => {
    const bytes = packs.get(V.packTwoPages.packId) as Uint8Array;
    const page = (i: number) => bytes.subarray(96 + i * SEALED_PAGE_LENGTH, 96 + (i + 1) * SEALED_PAGE_LENGTH);
    packs.set(V.packTwoPages.packId, concatBytes(bytes.subarray(0, 96), page(1), page(0)));
    await expect(read(await openRepository(options()), 'listed')).rejects.toThrow(DamagedError);
    packs.set(V.packTwoPages.packId, bytes);
    expect(await read(await openRepository(options()), 'listed')).toHaveLength(71_029);
  });

  it('are refused when the session object is of another device', async () => {
    const open = options().openSessionObject;
    const openSessionObject: typeof open = (object) => open({ ...object, bytes: object.bytes.with(1530, 0) });
    await expect((await openRepository(options({ openSessionObject }))).snapshot('latest')).rejects.toMatchObject({
      code: 'missing',
    });
  });
});
