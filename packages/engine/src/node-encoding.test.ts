import { toHex, utf8Encode } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryBytes } from './_arbitrary-contents.ts';
import {
  CONTENT_ROW_BYTES,
  type EncodedContent,
  encodeNode,
  encodeTrees,
  latin1Bytes,
  nodeSequence,
  subtreeOf,
  withSubtree,
} from './node-encoding.ts';
import { NodeType, type TreeNode, type Xattr } from './node-fields.ts';
import { nodeTypeOf, STAT_ROW_WORDS, sizeOf } from './source.ts';
import { decodeTree, MAX_TREE_BYTES, MAX_TREE_NODES } from './tree-codec.ts';

interface Row {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: bigint;
  readonly ctime: bigint;
  readonly btime: bigint | undefined;
  readonly inode: bigint;
  readonly device: bigint;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
  readonly size: number;
}

/** The row as the documents of Source lay it out. */
function rowOf(row: Row): Uint32Array {
  const view = new DataView(new ArrayBuffer(STAT_ROW_WORDS * 4));
  view.setUint32(0, row.mode, true);
  view.setUint32(4, row.uid, true);
  view.setUint32(8, row.gid, true);
  putTime(view, row.mtime, 12, 40);
  putTime(view, row.ctime, 16, 48);
  view.setBigUint64(24, row.inode, true);
  view.setBigUint64(32, BigInt(row.size), true);
  view.setBigUint64(56, row.device, true);
  view.setUint32(64, row.links, true);
  if (row.btime !== undefined) putTime(view, row.btime, 68, 72);
  view.setUint32(80, row.major, true);
  view.setUint32(84, row.minor, true);
  view.setUint32(96, row.btime === undefined ? 0 : 1, true);
  return new Uint32Array(view.buffer);
}

/** Nanoseconds 0 to 999,999,999 after whole seconds, also before 1970. */
function putTime(view: DataView, time: bigint, nanosecondsAt: number, secondsAt: number): void {
  const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  view.setUint32(nanosecondsAt, Number(nanoseconds), true);
  view.setBigInt64(secondsAt, (time - nanoseconds) / 1_000_000_000n, true);
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const types = [0o100000, 0o040000, 0o120000, 0o010000, 0o020000, 0o060000, 0o140000];
const rows: fc.Arbitrary<Row> = fc.record({
  mode: fc.tuple(fc.constantFrom(...types), fc.nat(0o7777)).map(([type, bits]) => type | bits),
  uid: u32,
  gid: u32,
  mtime: time,
  ctime: time,
  btime: fc.option(time, { nil: undefined }),
  inode: u64,
  device: u64,
  links: fc.integer({ min: 1, max: 3 }),
  major: u32,
  minor: u32,
  size: fc.nat(Number.MAX_SAFE_INTEGER),
});
const name = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => String.fromCharCode(...bytes));
const parts = fc.array(fc.tuple(arbitraryBytes(32), fc.integer({ min: 1, max: 0xffff_ffff })), {
  minLength: 1,
  maxLength: 5,
});
const xattrs: fc.Arbitrary<Xattr[]> = fc.uniqueArray(
  fc.record({
    name: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    value: fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      parts.map((list) => list.map(([blob, length]) => ({ blob: blob as BlobId, length }))),
    ),
  }),
  { selector: (xattr) => toHex(xattr.name), maxLength: 4 },
);
const details = fc.record({
  user: fc.option(fc.uint8Array({ maxLength: 10 }), { nil: undefined }),
  group: fc.option(fc.uint8Array({ maxLength: 10 }), { nil: undefined }),
  xattrs: fc.option(xattrs, { nil: undefined }),
  flags: fc.option(u32, { nil: undefined }),
  note: fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }), { nil: undefined }),
});

function rowsOf(list: readonly (readonly [Uint8Array, number])[]): EncodedContent {
  const encoded = new Uint8Array(list.length * CONTENT_ROW_BYTES);
  list.forEach(([blob, length], i) => {
    encoded.set(blob, i * CONTENT_ROW_BYTES);
    new DataView(encoded.buffer).setUint32(i * CONTENT_ROW_BYTES + 32, length, true);
  });
  return { kind: 'parts', rows: encoded };
}

function decodeOne(node: Uint8Array): TreeNode {
  const [tree] = encodeTrees(nodeSequence([node]));
  return decodeTree(tree as Uint8Array)[0] as TreeNode;
}

describe('encodeNode', () => {
  it('writes what decodeTree reads', () => {
    fc.assert(
      fc.property(name, rows, details, parts, fc.nat(2), (text, row, { note, ...extra }, list, shape) => {
        const stats = rowOf(row);
        const type = nodeTypeOf(stats, 0) as NodeType;
        const size = list.reduce((sum, [, length]) => sum + length, 0);
        const subtree = (list[0] as readonly [Uint8Array, number])[0];
        const linkTarget = type === NodeType.symlink ? utf8Encode('../to') : undefined;
        const content = shape === 0 ? rowsOf(list) : { kind: 'list' as const, id: subtree };
        const ofFile = {
          size,
          content,
          holes:
            shape === 1
              ? ([
                  [0, 4],
                  [8, 2],
                ] as const)
              : undefined,
        };
        const ofType = type === NodeType.file ? ofFile : type === NodeType.directory ? { subtree } : {};
        const body = { type, details: { ...extra, linkTarget }, note, ...ofType };
        const node = decodeOne(encodeNode(text, stats, 0, body));

        expect(node.name).toEqual(latin1Bytes(text));
        expect(node).toMatchObject({ type, mode: row.mode & 0o7777, uid: row.uid, gid: row.gid });
        expect([node.mtime, node.ctime, node.btime]).toEqual([row.mtime, row.ctime, row.btime]);
        expect([node.user, node.group, node.flags, node.note]).toEqual([extra.user, extra.group, extra.flags, note]);
        expect(node.linkTarget).toEqual(linkTarget);
        expect(node.subtree).toEqual(type === NodeType.directory ? subtree : undefined);
        expect(node.size).toBe(type === NodeType.file ? size : undefined);
        expect(node.holes).toEqual(type === NodeType.file ? ofFile.holes : undefined);
        const asParts = list.map(([blob, length]) => ({ blob, length }));
        expect(node.content).toEqual(type !== NodeType.file ? undefined : shape === 0 ? asParts : subtree);
        const hasDevice = type === NodeType.charDevice || type === NodeType.blockDevice;
        expect(node.device).toEqual(hasDevice ? [row.major, row.minor] : undefined);
        const linked = row.links > 1 && type !== NodeType.directory;
        expect(node.hardLink).toEqual(linked ? hardLinkOf(row) : undefined);
        expect(byName(node.xattrs)).toEqual(byName(extra.xattrs));
      }),
      { numRuns: 300 },
    );
  });

  it('has the subtree of a directory found and replaced, and nothing else', () => {
    fc.assert(
      fc.property(
        name,
        rows,
        details,
        arbitraryBytes(32),
        arbitraryBytes(32),
        (text, row, { note, ...extra }, id, other) => {
          const stats = rowOf(row);
          const type = nodeTypeOf(stats, 0) as NodeType;
          const subtree = type === NodeType.directory ? id : undefined;
          const node = encodeNode(text, stats, 0, { type, details: extra, note, subtree });
          expect(subtreeOf(node)).toEqual(subtree);
          if (subtree === undefined) return;
          expect(decodeOne(withSubtree(node, other))).toEqual({ ...decodeOne(node), subtree: other });
          expect(subtreeOf(node)).toEqual(id);
        },
      ),
    );
    const file = encodeNode('x', new Uint32Array(STAT_ROW_WORDS), 0, { type: NodeType.file, details: {} });
    expect(subtreeOf(file)).toBeUndefined();
  });

  it('reads the row it is told to', () => {
    const row: Row = {
      mode: 0o100600,
      uid: 1,
      gid: 2,
      mtime: 3n,
      ctime: 4n,
      btime: undefined,
      inode: 5n,
      device: 6n,
      links: 1,
      major: 0,
      minor: 0,
      size: 7,
    };
    const stats = new Uint32Array([...rowOf({ ...row, uid: 99 }), ...rowOf(row)]);
    expect(decodeOne(encodeNode('x', stats, 1, { type: 0, details: {} }))).toMatchObject({ uid: 1, mtime: 3n });
    expect([sizeOf(stats, 1), nodeTypeOf(stats, 1)]).toEqual([7, NodeType.file]);
    expect(sizeOf(rowOf({ ...row, size: 2 ** 40 + 5 }), 0)).toBe(2 ** 40 + 5);
    expect(nodeTypeOf(rowOf({ ...row, mode: 0o030644 }), 0)).toBeUndefined();
  });

  it('keeps times that 64 bits of nanoseconds cannot hold as the nearest they can', () => {
    const stats = rowOf({
      mode: 0o100600,
      uid: 1,
      gid: 2,
      mtime: 0n,
      ctime: 0n,
      btime: undefined,
      inode: 5n,
      device: 6n,
      links: 1,
      major: 0,
      minor: 0,
      size: 7,
    });
    const view = new DataView(stats.buffer);
    view.setBigInt64(40, 2n ** 62n, true);
    view.setBigInt64(48, -(2n ** 62n), true);
    const node = decodeOne(encodeNode('x', stats, 0, { type: 0, details: {} }));
    expect([node.mtime, node.ctime]).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
  });
});

describe('encodeTrees', () => {
  const node = (text: string, note: string) => {
    const stats = rowOf({
      mode: 0o100600,
      uid: 1,
      gid: 2,
      mtime: 3n,
      ctime: 4n,
      btime: undefined,
      inode: 5n,
      device: 6n,
      links: 1,
      major: 0,
      minor: 0,
      size: 7,
    });
    return encodeNode(text, stats, 0, { type: 0, details: {}, note });
  };
  const numbered = (count: number, note = '') =>
    Array.from({ length: count }, (_, i) => node(`n${String(i).padStart(6, '0')}`, note));

  it.each([0, 1, 2048, 2049, 5000])('keeps %s nodes in order, never more than 2,048 in one', (count) => {
    const trees = encodeTrees(nodeSequence(numbered(count)));
    expect(trees).toHaveLength(Math.max(1, Math.ceil(count / MAX_TREE_NODES)));
    const names = trees.flatMap((tree) => decodeTree(tree).map((one) => toHex(one.name)));
    expect(names).toEqual(numbered(count).map((_, i) => toHex(utf8Encode(`n${String(i).padStart(6, '0')}`))));
  });

  it('closes a tree before 512 KiB, but for a single node that is larger', () => {
    const sizes = encodeTrees(nodeSequence(numbered(1500, 'x'.repeat(1000)))).map((tree) => tree.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_TREE_BYTES);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(MAX_TREE_BYTES - 1100);
    const large = [node('a', 'x'), node('b', 'x'.repeat(600_000)), node('c', 'x')];
    expect(encodeTrees(nodeSequence(large)).map((tree) => decodeTree(tree).length)).toEqual([1, 1, 1]);
  });
});

function hardLinkOf({ inode, device }: Row): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, inode, true);
  view.setBigUint64(8, device, true);
  return new Uint8Array(view.buffer);
}

function byName(list: readonly Xattr[] | undefined): Record<string, Xattr['value']> {
  return Object.fromEntries((list ?? []).map(({ name: key, value }) => [toHex(key), value]));
}
