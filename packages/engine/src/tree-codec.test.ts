import { type CborValue, concatBytes, encodeCbor, fromHex, toHex, utf8Encode } from '@keephold/bytes';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { DamagedError } from './errors.ts';
import { NodeType } from './node-fields.ts';
import { decodeTree } from './tree-codec.ts';

const { treeBlobRoot, treeBlob, listBlobLevel1 } = vectors.V;
const root = fromHex(treeBlobRoot.plaintext);

type Fields = readonly (readonly [number, CborValue])[];
const id = new Uint8Array(32).fill(3);
const plain: Fields = [
  [0, utf8Encode('a')],
  [1, 0],
  [2, 0o644],
  [7, 5],
];
/** A tree of one node, whose fields are `plain` with some replaced, added or (undefined) left out. */
function treeWith(...changes: readonly (readonly [number, CborValue | undefined])[]): Uint8Array {
  const fields = new Map<number, CborValue>(plain);
  for (const [key, value] of changes) {
    if (value === undefined) fields.delete(key);
    else fields.set(key, value);
  }
  return encodeCbor([1, [fields]]);
}
const link: readonly [number, CborValue] = [1, 2];
const part = (length: number): CborValue => [[id, length]];

describe('decodeTree', () => {
  it('reads the vectors', () => {
    const [odd, dir, hello, listed] = decodeTree(root);
    expect(odd).toMatchObject({ type: NodeType.symlink, mode: 0o777, mtime: -1n });
    expect(toHex(odd?.name as Uint8Array)).toBe('61ffff');
    expect(dir).toMatchObject({ type: NodeType.directory, uid: 1000, gid: 1000, mtime: 1_790_000_000_000_000_000n });
    expect(toHex(dir?.subtree as Uint8Array)).toBe(treeBlob.id);
    expect(hello).toMatchObject({ type: NodeType.file, mode: 0o600, size: 1020 });
    expect(hello?.content).toMatchObject([{ length: 20 }, { length: 1000 }]);
    expect(toHex(listed?.content as Uint8Array)).toBe(listBlobLevel1.id);
  });

  it('reads every field', () => {
    const bytes = treeWith(
      [3, 7],
      [4, 8],
      [5, utf8Encode('me')],
      [6, utf8Encode('us')],
      [8, -1],
      [9, 2n ** 63n - 1n],
      [10, 6],
      [11, part(6)],
      [15, new Uint8Array(16)],
      [
        16,
        new Map<Uint8Array, CborValue>([
          [utf8Encode('user.a'), utf8Encode('v')],
          [utf8Encode('user.big'), part(5000)],
        ]),
      ],
      [17, 3],
      [
        18,
        [
          [0, 2],
          [4, 1],
        ],
      ],
      [19, 'live'],
      [20, new Map([[1, 'anything']])],
    );
    const [node] = decodeTree(bytes);
    expect(node).toMatchObject({ uid: 7, gid: 8, ctime: -1n, btime: 2n ** 63n - 1n, size: 6, flags: 3, note: 'live' });
    expect(node?.holes).toEqual([
      [0, 2],
      [4, 1],
    ]);
    expect(node?.xattrs).toEqual([
      { name: utf8Encode('user.a'), value: utf8Encode('v') },
      { name: utf8Encode('user.big'), value: [{ blob: id, length: 5000 }] },
    ]);
    expect(decodeTree(treeWith([1, 4], [14, [8, 1]]))[0]?.device).toEqual([8, 1]);
    expect(decodeTree(treeWith(link, [13, utf8Encode('to')]))[0]?.linkTarget).toEqual(utf8Encode('to'));
    expect(decodeTree(encodeCbor([1, []]))).toEqual([]);
    expect(decodeTree(nested(13))).toHaveLength(1);
  });

  it.each<[string, Uint8Array]>([
    ['another version', encodeCbor([2, []])],
    ['a field too many', encodeCbor([1, [], 0])],
    ['a node that is no map', encodeCbor([1, [[]]])],
    ['no name', treeWith([0, undefined])],
    ['no type', treeWith([1, undefined])],
    ['no mode', treeWith([2, undefined])],
    ['no time', treeWith([7, undefined])],
    ['a name that is a text', treeWith([0, 'a'])],
    ['type 7', treeWith([1, 7])],
    ['a mode with type bits', treeWith([2, 0o10_000])],
    ['a negative owner', treeWith([3, -1])],
    ['a time beyond 64 bits', treeWith([7, 2n ** 63n])],
    ['a time before 64 bits', treeWith([8, -(2n ** 63n) - 1n])],
    ['lengths that do not sum to the size', treeWith([10, 7], [11, part(6)])],
    ['content without a size', treeWith([11, part(6)])],
    ['an empty part', treeWith([10, 0], [11, part(0)])],
    ['an empty list of parts', treeWith([11, []])],
    ['257 parts', treeWith([10, 257], [11, Array.from({ length: 257 }, () => [id, 1])])],
    ['a short blob id', treeWith([10, 1], [11, [[new Uint8Array(31), 1]]])],
    ['a list id of another length', treeWith([10, 1], [11, new Uint8Array(33)])],
    ['a part of three', treeWith([10, 1], [11, [[id, 1, 1]]])],
    ['content of a directory', treeWith([1, 1], [10, 1], [11, part(1)])],
    ['a subtree of a file', treeWith([12, id])],
    ['a short subtree id', treeWith([1, 1], [12, new Uint8Array(16)])],
    ['a link without target', treeWith(link)],
    ['a target of a file', treeWith([13, utf8Encode('to')])],
    ['a device of one number', treeWith([1, 4], [14, [8]])],
    ['a hard link key of 15 bytes', treeWith([15, new Uint8Array(15)])],
    ['attributes keyed by numbers', treeWith([16, new Map([[1, id]])])],
    ['an attribute of no parts', treeWith([16, new Map([[id, []]])])],
    ['an attribute that is a text', treeWith([16, new Map([[id, 'x']])])],
    ['no hole', treeWith([18, []])],
    ['1,025 holes', treeWith([18, Array.from({ length: 1025 }, (_, i) => [i * 2, 1])])],
    ['a hole without length', treeWith([18, [[1]]])],
    ['a note that is bytes', treeWith([19, id])],
    ['a field nobody knows', treeWith([21, 1])],
    ['a field of a source that nests beyond 16 levels', nested(14)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeTree(bytes)).toThrow(DamagedError);
  });

  it('refuses names unsorted or repeated', () => {
    const named = (...names: string[]) =>
      encodeCbor([1, names.map((name) => new Map<number, CborValue>([...plain, [0, utf8Encode(name)]]))]);
    expect(decodeTree(named('a', 'aa', 'b'))).toHaveLength(3);
    for (const names of [
      ['b', 'a'],
      ['a', 'a'],
      ['aa', 'a'],
    ])
      expect(() => decodeTree(named(...names))).toThrow(DamagedError);
  });

  it('leaves names to those who use them', () => {
    const names = ['', '.', '..', 'a/b', 'nul\0'];
    for (const name of names) expect(decodeTree(treeWith([0, utf8Encode(name)]))).toHaveLength(1);
  });

  it('refuses every cut and extension, and what is not canonical', () => {
    for (let length = 0; length < root.length; length++) {
      expect(() => decodeTree(root.subarray(0, length)), `${length} bytes`).toThrow(DamagedError);
    }
    expect(() => decodeTree(new Uint8Array([...root, 0]))).toThrow(DamagedError);
    expect(() => decodeTree(new Uint8Array([0x82, 0x18, 1, ...root.subarray(2)]))).toThrow(/longer than needed/);
    expect(() => decodeTree(new Uint8Array([0x9f, 1, 0x80, 0xff]))).toThrow(DamagedError);
  });

  it('never fails by anything but a typed error when bytes flip', () => {
    for (let at = 0; at < root.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        try {
          decodeTree(root.with(at, (root[at] as number) ^ (1 << bit)));
        } catch (error) {
          expect(error, `byte ${at}`).toBeInstanceOf(DamagedError);
        }
      }
    }
  });
});

/** A tree whose field of a source is arrays within arrays. */
function nested(depth: number): Uint8Array {
  const flat = treeWith([20, 0]);
  return concatBytes(flat.subarray(0, -1), new Uint8Array(depth).fill(0x81), flat.subarray(-1));
}
