/** A repository in memory for tests: real packs, real index rows, real ids; trees as objects. Packs can be broken. */
import { randomBytes } from 'node:crypto';
import { toHex } from '@keephold/bytes';
import { asKey, packKey } from '@keephold/crypto';
import { type BulkCrypto, createBulkCrypto } from '@keephold/crypto/bulk';
import { nativeLibrary } from '@keephold/ffi';
import {
  asDeviceId,
  asSessionId,
  asVaultId,
  type BlobId,
  encodePackHeader,
  type PackId,
  type PageRange,
  SEALED_PAGE_LENGTH,
} from '@keephold/protocol';
import { DamagedError, EngineError, MissingDataError } from '../../errors.ts';
import type { IndexedPack } from '../../index-object.ts';
import { type ContentPart, NodeType, type TreeNode } from '../../node-fields.ts';
import { BlobKind } from '../../pack-contents.ts';
import { BlobLocations, type PackRecord } from '../../reading/blob-locations.ts';
import { partsInHoles } from '../../reading/holes.ts';
import type { IdTable } from '../../reading/id-table.ts';
import type { SnapshotRoot } from '../../reading/repository.ts';
import { FramePacker } from '../packing/frame-packer.ts';
import { packAreaBytes } from '../packing/pack-builder.ts';
import { createZstd } from '../zstd.ts';
import type { ReadableRepository } from './readable-repository.ts';

const AUTHOR = asDeviceId(new Uint8Array(16));
const MTIME = 1_700_000_000_123_456_789n;

export interface FixturePack {
  readonly indexed: IndexedPack;
  bytes: Uint8Array | undefined;
}

export interface FileOptions extends Partial<TreeNode> {
  /** Content in these parts. */
  readonly parts?: readonly Uint8Array[];
  /** Content behind a list blob. */
  readonly list?: boolean;
}

export class FixtureRepository implements ReadableRepository {
  readonly idKey = asKey('IdKey', randomBytes(32));
  readonly vaultId = asVaultId(randomBytes(16));
  readonly sessionId = asSessionId(randomBytes(16));
  readonly sessionKey = asKey('SessionKey', randomBytes(32));
  readonly packs: FixturePack[] = [];
  readonly snapshot: SnapshotRoot = { seq: 1, rootTree: new Uint8Array(32) as BlobId };
  readonly bulk: BulkCrypto;
  /** Children by subtree id; a DamagedError instead of them is thrown. */
  readonly #trees = new Map<string, readonly TreeNode[] | DamagedError>();
  readonly #lists = new Map<string, readonly ContentPart[]>();
  readonly #contents = new Map<string, Uint8Array>();
  readonly #packers = new Map<1 | 2, FramePacker>();
  readonly native: boolean;
  /** Called before each read of a pack. */
  onGetPack: (packId: PackId, range: PageRange | undefined) => void | Promise<void> = () => undefined;

  constructor(options: { readonly native?: boolean } = {}) {
    this.native = options.native ?? true;
    this.bulk = createBulkCrypto({ idKey: this.idKey, native: this.native ? nativeLibrary() : undefined });
    for (const kind of [1, 2] as const) this.#packers.set(kind, this.#createPacker(kind));
  }

  #createPacker(kind: 1 | 2): FramePacker {
    return new FramePacker({
      kind,
      bulk: this.bulk,
      zstd: createZstd(this.native ? nativeLibrary() : undefined),
      level: 3,
      identity: () => ({ vaultId: this.vaultId, sessionId: this.sessionId, sessionKey: this.sessionKey }),
      random: (length) => new Uint8Array(randomBytes(length)),
      takeArea: () => new Uint8Array(packAreaBytes(kind)),
      onPack: (pack, area) => {
        const { packId, packSalt, pageCount, contents } = pack;
        const indexed = { packId, packSalt, pageCount, kind, sessionId: this.sessionId, contents };
        this.packs.push({ indexed, bytes: area.slice(0, pack.length) });
      },
    });
  }

  /** Stores a blob in the open pack; a second time when `again`. */
  blob(bytes: Uint8Array, kind: BlobKind = BlobKind.data, again = false): BlobId {
    const id = new Uint8Array(32) as BlobId;
    this.bulk.blobId(kind, bytes, id);
    if (this.#contents.has(toHex(id)) && !again) return id;
    this.#contents.set(toHex(id), bytes);
    this.#packers.get(kind === BlobKind.data ? 1 : 2)!.addBlob(id, bytes, kind, 0);
    return id;
  }

  /** Seals the open packs: what comes next lies in other ones. */
  seal(): void {
    for (const packer of this.#packers.values()) packer.finish();
  }

  file(name: string | Uint8Array, options: FileOptions = {}): TreeNode {
    const { parts = [], list = false, ...fields } = options;
    const stored = parts.map((bytes) => ({ blob: this.blob(bytes), length: bytes.length }));
    const size = parts.reduce((sum, bytes) => sum + bytes.length, 0);
    let content: TreeNode['content'] | undefined = stored;
    if (list) {
      content = randomBytes(32) as Uint8Array as BlobId;
      this.#lists.set(toHex(content), stored);
    }
    const has = stored.length === 0 ? {} : { content };
    return { ...this.#node(name, NodeType.file), mode: 0o644, size, ...has, ...fields };
  }

  directory(
    name: string | Uint8Array,
    children: readonly TreeNode[] | DamagedError,
    fields: Partial<TreeNode> = {},
  ): TreeNode {
    const subtree = randomBytes(32) as Uint8Array as BlobId;
    this.#trees.set(
      toHex(subtree),
      Array.isArray(children) ? sorted(children as readonly TreeNode[]) : (children as DamagedError),
    );
    return { ...this.#node(name, NodeType.directory), mode: 0o755, subtree, ...fields };
  }

  symlink(name: string, target: string, fields: Partial<TreeNode> = {}): TreeNode {
    return { ...this.#node(name, NodeType.symlink), mode: 0o777, linkTarget: Buffer.from(target), ...fields };
  }

  other(name: string, type: NodeType, fields: Partial<TreeNode> = {}): TreeNode {
    return { ...this.#node(name, type), mode: 0o644, ...fields };
  }

  /** The root of the snapshot. */
  root(children: readonly TreeNode[], order: 'sorted' | 'as-is' = 'sorted'): void {
    this.seal();
    this.#trees.set(toHex(this.snapshot.rootTree), order === 'sorted' ? sorted(children) : children);
  }

  async nodeAt(_: SnapshotRoot, path: Uint8Array): Promise<TreeNode> {
    let subtree: Uint8Array | undefined = this.snapshot.rootTree;
    let found: TreeNode | undefined;
    for (const name of Buffer.from(path).toString('latin1').split('/')) {
      const nodes: readonly TreeNode[] | DamagedError | undefined = subtree && this.#trees.get(toHex(subtree));
      found = Array.isArray(nodes)
        ? nodes.find((node) => Buffer.from(node.name).toString('latin1') === name)
        : undefined;
      if (found === undefined) throw new EngineError('not-found', 'no such entry');
      subtree = found.subtree;
    }
    return found!;
  }

  async *childParts(of: TreeNode | SnapshotRoot): AsyncGenerator<readonly TreeNode[]> {
    const subtree = 'rootTree' in of ? of.rootTree : of.subtree;
    const nodes = subtree && this.#trees.get(toHex(subtree));
    if (nodes instanceof DamagedError) throw nodes;
    for (let at = 0; at < (nodes?.length ?? 0); at += 3) yield nodes!.slice(at, at + 3);
  }

  async *contentParts({ content }: TreeNode): AsyncGenerator<readonly ContentPart[]> {
    if (content === undefined) return;
    const parts = Array.isArray(content) ? content : this.#lists.get(toHex(content as Uint8Array))!;
    for (let at = 0; at < parts.length; at += 100) yield parts.slice(at, at + 100);
  }

  async *readFile(node: TreeNode): AsyncGenerator<Uint8Array> {
    const parts: ContentPart[] = [];
    for await (const some of this.contentParts(node)) parts.push(...some);
    const isHole = partsInHoles(parts, node.holes);
    for (const [i, { blob, length }] of parts.entries())
      yield isHole(i) ? new Uint8Array(length) : await this.readBlob(blob, 1);
  }

  /** From what was stored, not from packs, unless none of them is left. */
  async readBlob(id: BlobId, _kind: BlobKind): Promise<Uint8Array> {
    const bytes = this.#contents.get(toHex(id));
    if (bytes === undefined || this.lost.has(toHex(id))) throw new MissingDataError(`read blob ${toHex(id)}`);
    return bytes;
  }

  /** Blobs that readBlob cannot find. */
  readonly lost: Set<string> = new Set();

  async refset(): Promise<Uint8Array> {
    return new Uint8Array(0);
  }

  async locate(wanted: IdTable): Promise<BlobLocations> {
    const locations = new BlobLocations(wanted);
    // The pack sealed first is asked first: later ones are pushed before it.
    for (const { indexed } of this.packs.toReversed()) locations.addPack(indexed, { author: AUTHOR, preferred: true });
    return locations;
  }

  async packKeyOf(pack: PackRecord): ReturnType<ReadableRepository['packKeyOf']> {
    return packKey(this.sessionKey, encodePackHeader({ ...pack, vaultId: this.vaultId }));
  }

  async getPack(packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined> {
    await this.onGetPack(packId, range);
    const bytes = this.packs.find((pack) => toHex(pack.indexed.packId) === toHex(packId))?.bytes;
    if (bytes === undefined) return undefined;
    const from = range === undefined ? 0 : 96 + range.first * SEALED_PAGE_LENGTH;
    const wanted = range === undefined ? into.length : range.count * SEALED_PAGE_LENGTH;
    if (from >= bytes.length) return undefined;
    const part = bytes.subarray(from, from + Math.min(wanted, into.length));
    into.set(part);
    return part.length;
  }

  /** Flips a bit in a page of a pack. */
  damagePage(pack: number, page: number): void {
    this.packs[pack]!.bytes![96 + page * SEALED_PAGE_LENGTH + 1000]! ^= 1;
  }

  #node(name: string | Uint8Array, type: NodeType): TreeNode {
    const uid = process.getuid?.() ?? 0;
    const gid = process.getgid?.() ?? 0;
    return { name: typeof name === 'string' ? Buffer.from(name) : name, type, mode: 0o755, uid, gid, mtime: MTIME };
  }
}

function sorted(nodes: readonly TreeNode[]): TreeNode[] {
  return [...nodes].sort((a, b) => Buffer.compare(a.name, b.name));
}
