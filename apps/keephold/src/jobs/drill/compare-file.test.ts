import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asKey, blobId } from '@keephold/crypto';
import { NodeType, type Repository, type Snapshot, type TreeNode } from '@keephold/engine';
import type { BlobId } from '@keephold/protocol';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FileComparer, type FileComparison } from './compare-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-compare-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const idKey = asKey('IdKey', new Uint8Array(32).fill(3));
const content = Buffer.alloc(3_000_000, 'some content ');
const PIECE = 1_000_000;
const repository = {
  idKey,
  async *contentParts({ content: parts }: TreeNode) {
    yield parts as Exclude<TreeNode['content'], Uint8Array | undefined>;
  },
} as Repository;
const live = join(folder, 'live');
const restored = join(folder, 'restored');
/** The young have changed right before the backup: this one began long after. */
const later = BigInt(Date.now() + 60_000) * 1_000_000n;

beforeEach(() => {
  writeFileSync(live, content);
  rmSync(restored, { force: true });
  writeFileSync(restored, content, { mode: 0o400 });
});

/** As a backup of the live file would have recorded it, if its content was this. */
function nodeOf(stored: Buffer = content, wish: Partial<TreeNode> = {}): TreeNode {
  const { size, mtimeNs, ctimeNs, ino } = statSync(live, { bigint: true });
  const hardLink = Buffer.alloc(16);
  hardLink.writeBigUInt64LE(ino);
  const parts = [];
  for (let at = 0; at < stored.length; at += PIECE) {
    const bytes = stored.subarray(at, at + PIECE);
    parts.push({ blob: blobId(idKey, 1, bytes) as BlobId, length: bytes.length });
  }
  const times = { mtime: mtimeNs, ctime: ctimeNs };
  const owner = { mode: 0o400, uid: 0, gid: 0 };
  return {
    name: Buffer.from('live'),
    type: NodeType.file,
    ...owner,
    ...times,
    size: Number(size),
    content: parts,
    hardLink,
    ...wish,
  };
}

async function compare(node: TreeNode, time = later): Promise<FileComparison> {
  const file = { path: Buffer.from(live.slice(1)), size: node.size ?? 0, node, snapshot: { time } as Snapshot };
  return await new FileComparer(repository).compare(file, Buffer.from(restored), new AbortController().signal);
}

describe.skipIf(process.platform === 'win32')('a restored file', () => {
  test('that is the same as index and original', async () => {
    expect(await compare(nodeOf())).toEqual({ indexDiffersAt: undefined, live: 'same', liveDiffersAt: undefined });
  });

  test('of blobs that are longer than usual', async () => {
    const long = Buffer.alloc(6_000_000, 'x');
    rmSync(restored);
    for (const path of [live, restored]) writeFileSync(path, long);
    const node = nodeOf();
    const content = [{ blob: blobId(idKey, 1, long) as BlobId, length: long.length }];
    expect(await compare({ ...node, content })).toMatchObject({ indexDiffersAt: undefined, live: 'same' });
  });

  test('that is not what the index says, or has another length', async () => {
    const other = Buffer.from(content);
    other[2_500_000]! ^= 1;
    expect(await compare(nodeOf(other))).toMatchObject({ indexDiffersAt: 2_000_000, live: 'same' });
    expect(await compare(nodeOf(content, { size: 4_000_000 }))).toMatchObject({
      indexDiffersAt: 3_000_000,
      live: 'changed',
    });
  });

  test('whose original rotted: nothing shows it but its bytes', async () => {
    const rotten = Buffer.from(content);
    rotten[1_234_567]! ^= 1;
    writeFileSync(live, rotten);
    expect(await compare(nodeOf())).toEqual({ indexDiffersAt: undefined, live: 'differs', liveDiffersAt: 1_234_567 });
    // Changed when the backup began: it may have been changed again within the same tick.
    expect(await compare(nodeOf(), BigInt(Date.now()) * 1_000_000n - 1_000_000_000n)).toMatchObject({ live: 'young' });
  });

  test('whose original was in use and copied by SQLite, or changed while it was read, is no damage when it differs', async () => {
    writeFileSync(live, Buffer.from(content).fill('x'));
    expect(await compare(nodeOf(content, { note: 'sqlite-backup' }))).toMatchObject({ live: 'copied' });
    expect(await compare(nodeOf(content, { note: 'live' }))).toMatchObject({ live: 'young' });
  });

  test.each<[string, Partial<TreeNode>]>([
    ['time of modification', { mtime: 5n }],
    ['time of change', { ctime: 5n }],
    ['inode', { hardLink: Buffer.alloc(16) }],
  ])('whose original has another %s is not compared with it', async (_what, wish) => {
    expect(await compare(nodeOf(content, wish))).toMatchObject({ live: 'changed', liveDiffersAt: undefined });
  });

  test('whose original has no recorded time of change is not compared with it', async () => {
    const { ctime: _, ...node } = nodeOf();
    expect(await compare(node)).toMatchObject({ live: 'changed' });
  });

  test('whose original got its times back by hand is not compared with it', async () => {
    const node = nodeOf();
    writeFileSync(live, Buffer.from(content).fill('x'));
    utimesSync(live, new Date(Number(node.mtime / 1_000_000n)), new Date(Number(node.mtime / 1_000_000n)));
    expect(await compare(node)).toMatchObject({ live: 'changed' });
  });

  test('whose original is gone, or something else by now', async () => {
    const node = nodeOf();
    rmSync(live);
    expect(await compare(node)).toMatchObject({ indexDiffersAt: undefined, live: 'gone' });
  });
});
