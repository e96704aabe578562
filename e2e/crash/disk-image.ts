/** The files beneath one folder, in memory: read from a disk, changed by operations, written to a disk again. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Change, Entry, Inode, MadeKind } from './file-operation.ts';

export interface ImageNode {
  readonly made: MadeKind;
  mode: number;
  /** Unix seconds; undefined: whenever it is written. */
  modified: number | undefined;
  /** Contents of a file, target of a link. Copied before it is changed when `isShared`. */
  data: Buffer;
  isShared: boolean;
  /** Of a folder. */
  readonly entries: Map<string, Inode>;
  readonly attributes: Map<string, Buffer>;
}

export const ROOT: Inode = 0;

export class DiskImage {
  readonly nodes: Map<Inode, ImageNode>;

  private constructor(nodes: Map<Inode, ImageNode>) {
    this.nodes = nodes;
  }

  /** Paths that `isLeftOut` says are not looked at. */
  static read(folder: string, isLeftOut: (path: string) => boolean): DiskImage {
    const image = new DiskImage(new Map([[ROOT, newNode('folder', 0o700)]]));
    const seen = new Map<number, Inode>();
    const visit = (path: string, inode: Inode): void => {
      for (const name of readdirSync(bytes(path), 'latin1')) {
        const at = `${path}/${name}`;
        if (isLeftOut(at)) continue;
        const stat = lstatSync(bytes(at));
        const known = seen.get(stat.ino);
        const child = known ?? image.#add(readNode(bytes(at), stat));
        image.folder(inode).set(name, child);
        if (known !== undefined) continue;
        seen.set(stat.ino, child);
        if (stat.isDirectory()) visit(at, child);
      }
    };
    visit(folder, ROOT);
    return image;
  }

  copy(): DiskImage {
    const nodes = [...this.nodes].map(([inode, node]): [Inode, ImageNode] => {
      node.isShared = true;
      return [inode, { ...node, entries: new Map(node.entries), attributes: new Map(node.attributes) }];
    });
    return new DiskImage(new Map(nodes));
  }

  nextInode(): Inode {
    return this.nodes.size;
  }

  node(inode: Inode): ImageNode {
    const node = this.nodes.get(inode);
    if (node === undefined) throw new RangeError(`disk image: no inode ${inode}`);
    return node;
  }

  folder(inode: Inode): Map<string, Inode> {
    return this.node(inode).entries;
  }

  lookUp({ folder, name }: Entry): Inode | undefined {
    return this.folder(folder).get(name);
  }

  /** Also when what it builds on was lost: a name then means what the change says. */
  apply(change: Change): void {
    switch (change.kind) {
      case 'make':
        this.nodes.set(change.inode, {
          ...newNode(change.made, change.mode),
          data: Buffer.from(change.target ?? '', 'latin1'),
        });
        this.folder(change.at.folder).set(change.at.name, change.inode);
        return;
      case 'write':
        change.bytes.copy(this.#grown(change.inode, change.offset + change.bytes.length), change.offset);
        return;
      case 'resize':
        this.#resize(change.inode, change.size);
        return;
      case 'enter':
        this.folder(change.at.folder).set(change.at.name, change.inode);
        return;
      case 'leave':
        this.folder(change.at.folder).delete(change.at.name);
        return;
      case 'move':
        if (this.lookUp(change.from) === change.inode) this.folder(change.from.folder).delete(change.from.name);
        this.folder(change.to.folder).set(change.to.name, change.inode);
        return;
      case 'mode':
        this.node(change.inode).mode = change.mode;
        return;
      case 'time':
        this.node(change.inode).modified = change.modified;
        return;
      case 'attribute':
        this.node(change.inode).attributes.set(change.name, change.value);
        return;
    }
  }

  /** The folder is there and has nothing of the image in it. */
  write(folder: string): void {
    const places = new Map<Inode, string>();
    const attributes: string[] = [];
    const visit = (inode: Inode, path: string): void => {
      for (const [name, child] of this.folder(inode)) {
        const node = this.node(child);
        const at = bytes(`${path}/${name}`);
        const place = places.get(child);
        if (place !== undefined) {
          linkSync(bytes(place), at);
          continue;
        }
        writeNode(at, node);
        places.set(child, `${path}/${name}`);
        if (node.made === 'folder') visit(child, `${path}/${name}`);
        if (node.attributes.size > 0) attributes.push(dumpAttributes(`${path}/${name}`, node));
        finishNode(at, node);
      }
    };
    visit(ROOT, folder);
    if (attributes.length > 0)
      execFileSync('setfattr', ['--restore=-'], { input: Buffer.from(attributes.join('\n'), 'latin1') });
  }

  #add(node: ImageNode): Inode {
    const inode = this.nextInode();
    this.nodes.set(inode, node);
    return inode;
  }

  /** Its contents, of this image alone, with at least `size` bytes. */
  #grown(inode: Inode, size: number): Buffer {
    const node = this.node(inode);
    if (node.isShared || node.data.length < size) this.#resize(inode, Math.max(size, node.data.length));
    return node.data;
  }

  #resize(inode: Inode, size: number): void {
    const node = this.node(inode);
    const data = Buffer.alloc(size);
    node.data.copy(data, 0, 0, size);
    node.data = data;
    node.isShared = false;
  }
}

/** Paths have one code unit a byte. */
function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function newNode(made: MadeKind, mode: number): ImageNode {
  return {
    made,
    mode,
    modified: undefined,
    data: Buffer.alloc(0),
    isShared: false,
    entries: new Map(),
    attributes: new Map(),
  };
}

function readNode(path: Buffer, stat: Stats): ImageNode {
  const made = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other';
  const data = made === 'file' ? readFileSync(path) : made === 'link' ? readlinkSync(path, 'buffer') : Buffer.alloc(0);
  return { ...newNode(made, stat.mode & 0o7777), data, modified: stat.mtimeMs / 1000 };
}

function writeNode(path: Buffer, { made, data }: ImageNode): void {
  if (made === 'folder') mkdirSync(path, 0o700);
  else if (made === 'link') symlinkSync(data, path);
  else if (made === 'file') writeFileSync(path, data, { mode: 0o600 });
}

function finishNode(path: Buffer, { made, mode, modified }: ImageNode): void {
  if (made === 'other') return;
  if (made !== 'link') chmodSync(path, mode);
  if (modified !== undefined) lutimesSync(path, modified, modified);
}

/** As setfattr reads it; odd bytes of names are octal there. */
function dumpAttributes(path: string, { attributes }: ImageNode): string {
  const name = path.replaceAll(
    /[\\\n\r\u0080-\u00ff]/g,
    (unit) => `\\${unit.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  const lines = [...attributes].map(([key, value]) => `${key}=0x${value.toString('hex')}`);
  return `# file: ${name}\n${lines.join('\n')}\n`;
}

/** Empties the folder. */
export function clearFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** What is not the same, by path; nothing when the images are alike. Names that mean one file are not compared. */
export function imageDifferences(wanted: DiskImage, found: DiskImage): readonly string[] {
  const [a, b] = [describeAll(wanted), describeAll(found)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => a.get(path) !== b.get(path));
}

function describeAll(image: DiskImage): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  const visit = (inode: Inode, path: string): void => {
    for (const [name, child] of image.folder(inode)) {
      const { made, mode, data } = image.node(child);
      all.set(`${path}/${name}`, `${made} ${mode.toString(8)} ${data.length} ${data.toString('latin1')}`);
      if (made === 'folder') visit(child, `${path}/${name}`);
    }
  };
  visit(ROOT, '');
  return all;
}
