/**
 * From system calls to operations on the files beneath one folder: follows which number means which file, whatever its
 * name becomes. A call that changes files in a way that is not known here is an error, never passed over.
 */
import type { DiskImage } from './disk-image.ts';
import { ROOT } from './disk-image.ts';
import { type Change, type Entry, type FileOperation, type Inode, isChange } from './file-operation.ts';
import { bytesOf, type Call } from './strace-log.ts';

interface OpenFile {
  readonly inode: Inode;
  /** Position in the log. */
  readonly openedAt: number;
  position: number;
  readonly appends: boolean;
}

export interface Interpretation {
  /** The folder that is looked at, absolute. */
  readonly folder: string;
  /** Paths below it that are not. */
  readonly isLeftOut: (path: string) => boolean;
  /** What was there before the program started; not changed. */
  readonly before: DiskImage;
  /** Where the program started. */
  readonly workingFolder: string;
}

/**
 * A call of one thread may be logged before one of another thread that it builds on, when that had taken effect and its
 * end was not noticed yet: what was going on meanwhile is then taken first.
 */
export function interpretCalls(calls: Iterable<Call>, options: Interpretation): readonly FileOperation[] {
  const interpreter = new Interpreter(options);
  const left = [...calls];
  for (let call = left.shift(); call !== undefined; call = left.shift()) {
    for (let missing = whatIsMissing(interpreter, call); missing !== undefined; ) {
      const { ended } = call;
      const at = left.findIndex(({ began }) => began < ended);
      const [earlier] = at === -1 ? [] : left.splice(at, 1);
      if (earlier === undefined) throw missing;
      interpreter.take(earlier);
      missing = whatIsMissing(interpreter, call);
    }
  }
  return interpreter.operations;
}

/** Takes the call; answers why it cannot be understood yet. */
function whatIsMissing(interpreter: Interpreter, call: Call): NotThere | undefined {
  try {
    interpreter.take(call);
    return undefined;
  } catch (error) {
    if (error instanceof NotThere) return error;
    throw error;
  }
}

/** A call succeeded on something that is not there, as far as is known. */
class NotThere extends Error {}

class Interpreter {
  readonly operations: FileOperation[] = [];
  readonly #options: Interpretation;
  readonly #image: DiskImage;
  readonly #files = new Map<number, OpenFile>();
  /** Position in the log at which each operation ended. */
  readonly #ends: number[] = [];
  #next: Inode;

  constructor(options: Interpretation) {
    this.#options = options;
    this.#image = options.before.copy();
    this.#next = this.#image.nextInode();
  }

  take(call: Call): void {
    const handler = handlers[call.name];
    if (handler === undefined) throw new SyntaxError(`strace log: ${call.name} is not known here`);
    const { arguments: texts, result, began, ended } = call;
    handler({ disk: this, texts, result, began, ended });
  }

  /** `since` of a sync is found from where it began. */
  add(operation: FileOperation, ended: number): void {
    if (isChange(operation)) this.#image.apply(operation);
    this.operations.push(operation);
    this.#ends.push(ended);
  }

  sync(inode: Inode | 'all', { began, ended }: Pick<Call, 'began' | 'ended'>): void {
    let since = this.operations.length;
    while (since > 0 && (this.#ends[since - 1] ?? 0) >= began) since -= 1;
    this.add({ kind: 'sync', inode, since }, ended);
  }

  make(at: Entry, parts: Pick<Extract<Change, { kind: 'make' }>, 'made' | 'mode' | 'target'>, ended: number): Inode {
    const inode = this.#next++;
    this.add({ kind: 'make', inode, at, ...parts }, ended);
    return inode;
  }

  file(number: string | number): OpenFile | undefined {
    return this.#files.get(Number(number));
  }

  setFile(number: number, file: OpenFile | undefined): void {
    if (file === undefined) this.#files.delete(number);
    else this.#files.set(number, file);
  }

  inode({ folder, name }: Entry): Inode | undefined {
    return name === '' ? folder : this.#image.lookUp({ folder, name });
  }

  size(inode: Inode): number {
    return this.#image.node(inode).data.length;
  }

  /** Undefined for what lies elsewhere. The root is the entry '' of itself. */
  entry(directory: string, argument: string): Entry | undefined {
    const path = bytesOf(argument).toString('latin1');
    const number = /^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1];
    if (number !== undefined) return entryOf(this.file(number)?.inode);
    if (path.startsWith('/') || directory === 'AT_FDCWD') return this.#fromTop(path);
    const start = this.file(directory)?.inode;
    return start === undefined ? undefined : this.#walk(start, path);
  }

  #fromTop(path: string): Entry | undefined {
    const { folder, isLeftOut, workingFolder } = this.#options;
    const absolute = path.startsWith('/') ? path : `${workingFolder}/${path}`;
    if ((absolute !== folder && !absolute.startsWith(`${folder}/`)) || isLeftOut(absolute)) return undefined;
    return this.#walk(ROOT, absolute.slice(folder.length));
  }

  #walk(start: Inode, path: string): Entry | undefined {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    const last = names.pop();
    let folder: Inode | undefined = start;
    for (const name of names) folder = folder === undefined ? undefined : this.#image.lookUp({ folder, name });
    if (folder === undefined) throw new NotThere(`strace log: ${JSON.stringify(path)} has no folder`);
    return { folder, name: last ?? '' };
  }
}

interface Taken {
  readonly disk: Interpreter;
  readonly texts: readonly string[];
  readonly result: number;
  readonly began: number;
  readonly ended: number;
}

const entryOf = (inode: Inode | undefined): Entry | undefined =>
  inode === undefined ? undefined : { folder: inode, name: '' };
const flagsOf = (text: string | undefined): ReadonlySet<string> => new Set((text ?? '').split('|'));
const modeOf = (text: string | undefined): number => Number.parseInt(text ?? '0', 8) & 0o7777;
/** Of a new file or folder: the program has our mask. */
const newModeOf = (text: string | undefined): number => modeOf(text) & ~process.umask();

function open(taken: Taken, at: Entry | undefined, flags: ReadonlySet<string>, mode: string | undefined): void {
  const { disk, result, ended } = taken;
  let inode = at === undefined ? undefined : disk.inode(at);
  if (at !== undefined && inode === undefined && flags.has('O_CREAT'))
    inode = disk.make(at, { made: 'file', mode: newModeOf(mode) }, ended);
  else if (inode !== undefined && flags.has('O_TRUNC') && disk.size(inode) > 0)
    disk.add({ kind: 'resize', inode, size: 0 }, ended);
  if (at !== undefined && inode === undefined) throw new NotThere(`strace log: ${JSON.stringify(at)} is opened`);
  const appends = flags.has('O_APPEND');
  disk.setFile(result, inode === undefined ? undefined : { inode, openedAt: ended, position: 0, appends });
}

function write({ disk, texts, result, ended }: Taken, data: string | undefined, offset: string | undefined): void {
  const bytes = bytesOf(data ?? '').subarray(0, result);
  if (texts[0] === '1') return disk.add({ kind: 'print', text: bytes.toString() }, ended);
  const file = disk.file(texts[0] ?? '');
  if (file === undefined || bytes.length === 0) return;
  const at = offset !== undefined ? Number(offset) : file.appends ? disk.size(file.inode) : file.position;
  if (offset === undefined) file.position = at + bytes.length;
  disk.add({ kind: 'write', inode: file.inode, offset: at, bytes }, ended);
}

function duplicate({ disk, texts, result }: Taken): void {
  disk.setFile(result, disk.file(texts[0] ?? ''));
}

function sync(taken: Taken): void {
  const file = taken.disk.file(taken.texts[0] ?? '');
  if (file !== undefined) taken.disk.sync(file.inode, taken);
}

function resize({ disk, ended }: Taken, inode: Inode | undefined, size: number): void {
  if (inode !== undefined) disk.add({ kind: 'resize', inode, size }, ended);
}

function move({ disk, ended }: Taken, from: Entry | undefined, to: Entry | undefined): void {
  if (from === undefined && to === undefined) return;
  if (from === undefined || to === undefined) throw new SyntaxError('strace log: a file was moved across the border');
  disk.add({ kind: 'move', inode: existing(disk, from), from, to }, ended);
}

function link({ disk, ended }: Taken, from: Entry | undefined, to: Entry | undefined): void {
  if (from === undefined && to === undefined) return;
  if (from === undefined || to === undefined) throw new SyntaxError('strace log: a file was linked across the border');
  disk.add({ kind: 'enter', inode: existing(disk, from), at: to }, ended);
}

function leave({ disk, ended }: Taken, at: Entry | undefined): void {
  if (at === undefined) return;
  existing(disk, at);
  disk.add({ kind: 'leave', at }, ended);
}

function existing(disk: Interpreter, at: Entry): Inode {
  const inode = disk.inode(at);
  if (inode === undefined) throw new NotThere(`strace log: ${JSON.stringify(at)} is used`);
  return inode;
}

function make({ disk, ended }: Taken, at: Entry | undefined, parts: Parameters<Interpreter['make']>[1]): void {
  // A folder that is named from above and exists fails; what lies elsewhere is nobody's business.
  if (at !== undefined) disk.make(at, parts, ended);
}

function onEntry({ disk, ended }: Taken, at: Entry | undefined, change: (inode: Inode) => Change): void {
  const inode = at === undefined ? undefined : disk.inode(at);
  if (inode !== undefined) disk.add(change(inode), ended);
}

/** `[ACCESSED, MODIFIED]`, each `{tv_sec=…, tv_nsec=…}` or a word that says which time is meant. */
function modifiedOf(text: string): number {
  const found = /tv_sec=(?<seconds>-?\d+), tv_nsec=(?<nanoseconds>\d+)\}[^{}]*\]$/.exec(text)?.groups;
  return found === undefined ? Number.NaN : Number(found['seconds']) + Number(found['nanoseconds']) / 1e9;
}

const here = 'AT_FDCWD';
const nothing = (): void => {};

const handlers: Readonly<Record<string, (taken: Taken) => void>> = {
  openat: (t) => open(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), flagsOf(t.texts[2]), t.texts[3]),
  open: (t) => open(t, t.disk.entry(here, t.texts[0] ?? ''), flagsOf(t.texts[1]), t.texts[2]),
  creat: (t) => open(t, t.disk.entry(here, t.texts[0] ?? ''), new Set(['O_CREAT', 'O_TRUNC']), t.texts[1]),
  close: (t) => {
    const file = t.disk.file(t.texts[0] ?? '');
    // Its number may be another file's by the time its end is noticed.
    if (file !== undefined && file.openedAt < t.began) t.disk.setFile(Number(t.texts[0]), undefined);
  },
  dup: duplicate,
  dup2: duplicate,
  dup3: duplicate,
  fcntl: (t) => (t.texts[1]?.startsWith('F_DUPFD') === true ? duplicate(t) : undefined),
  lseek: (t) => {
    const file = t.disk.file(t.texts[0] ?? '');
    if (file !== undefined) file.position = t.result;
  },
  write: (t) => write(t, t.texts[1], undefined),
  writev: (t) => write(t, t.texts[1], undefined),
  pwrite64: (t) => write(t, t.texts[1], t.texts[3]),
  pwritev: (t) => write(t, t.texts[1], t.texts[3]),
  pwritev2: (t) => write(t, t.texts[1], t.texts[3]),
  fsync: sync,
  fdatasync: sync,
  syncfs: (t) => t.disk.sync('all', t),
  sync: (t) => t.disk.sync('all', t),
  ftruncate: (t) => resize(t, t.disk.file(t.texts[0] ?? '')?.inode, Number(t.texts[1])),
  truncate: (t) => {
    const at = t.disk.entry(here, t.texts[0] ?? '');
    resize(t, at === undefined ? undefined : t.disk.inode(at), Number(t.texts[1]));
  },
  // Space is set aside; what can be read stays as it is where the size is kept, and SQLite's does not use it otherwise.
  fallocate: nothing,
  rename: (t) => move(t, t.disk.entry(here, t.texts[0] ?? ''), t.disk.entry(here, t.texts[1] ?? '')),
  renameat: (t) =>
    move(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), t.disk.entry(t.texts[2] ?? '', t.texts[3] ?? '')),
  renameat2: (t) =>
    move(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), t.disk.entry(t.texts[2] ?? '', t.texts[3] ?? '')),
  link: (t) => link(t, t.disk.entry(here, t.texts[0] ?? ''), t.disk.entry(here, t.texts[1] ?? '')),
  linkat: (t) =>
    link(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), t.disk.entry(t.texts[2] ?? '', t.texts[3] ?? '')),
  unlink: (t) => leave(t, t.disk.entry(here, t.texts[0] ?? '')),
  unlinkat: (t) => leave(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? '')),
  rmdir: (t) => leave(t, t.disk.entry(here, t.texts[0] ?? '')),
  mkdir: (t) => make(t, t.disk.entry(here, t.texts[0] ?? ''), { made: 'folder', mode: newModeOf(t.texts[1]) }),
  mkdirat: (t) =>
    make(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), { made: 'folder', mode: newModeOf(t.texts[2]) }),
  symlink: (t) => makeLink(t, t.texts[0], t.disk.entry(here, t.texts[1] ?? '')),
  symlinkat: (t) => makeLink(t, t.texts[0], t.disk.entry(t.texts[1] ?? '', t.texts[2] ?? '')),
  mknod: (t) => make(t, t.disk.entry(here, t.texts[0] ?? ''), { made: 'other', mode: 0o600 }),
  mknodat: (t) => make(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), { made: 'other', mode: 0o600 }),
  chmod: (t) =>
    onEntry(t, t.disk.entry(here, t.texts[0] ?? ''), (inode) => ({ kind: 'mode', inode, mode: modeOf(t.texts[1]) })),
  fchmod: (t) =>
    onEntry(t, entryOf(t.disk.file(t.texts[0] ?? '')?.inode), (inode) => ({
      kind: 'mode',
      inode,
      mode: modeOf(t.texts[1]),
    })),
  fchmodat: (t) =>
    onEntry(t, t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? ''), (inode) => ({
      kind: 'mode',
      inode,
      mode: modeOf(t.texts[2]),
    })),
  utimensat: (t) => {
    const modified = modifiedOf(t.texts[2] ?? '');
    const at =
      t.texts[1] === 'NULL'
        ? entryOf(t.disk.file(t.texts[0] ?? '')?.inode)
        : t.disk.entry(t.texts[0] ?? '', t.texts[1] ?? '');
    if (!Number.isNaN(modified)) onEntry(t, at, (inode) => ({ kind: 'time', inode, modified }));
  },
  setxattr: (t) => onEntry(t, t.disk.entry(here, t.texts[0] ?? ''), attribute(t)),
  lsetxattr: (t) => onEntry(t, t.disk.entry(here, t.texts[0] ?? ''), attribute(t)),
  fsetxattr: (t) => onEntry(t, entryOf(t.disk.file(t.texts[0] ?? '')?.inode), attribute(t)),
};

function makeLink(taken: Taken, target: string | undefined, at: Entry | undefined): void {
  make(taken, at, { made: 'link', mode: 0o777, target: bytesOf(target ?? '').toString('latin1') });
}

function attribute({ texts }: Taken): (inode: Inode) => Change {
  const [, name = '', value = ''] = texts;
  return (inode) => ({ kind: 'attribute', inode, name: bytesOf(name).toString('latin1'), value: bytesOf(value) });
}
