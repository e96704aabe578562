/**
 * One repository made by the real command, and copies of it to be damaged. Says what a damage did: what check tells, what
 * restore brings back, and whether any of it is wrong.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type DeviceState, decodeDeviceState } from '@keephold/vault';
import { readVersionedFile } from '../../src/access/versioned-file.ts';
import { Home, type Ran } from './_home.ts';

/** What kinds of files a repository has; 'ledger' and 'readme' can be made again. */
export type FileKind =
  | 'data-pack'
  | 'meta-pack'
  | 'data-index'
  | 'meta-index'
  | 'session'
  | 'snapshot'
  | 'commit'
  | 'record'
  | 'keychain'
  | 'keyring'
  | 'slot'
  | 'marker'
  | 'ledger'
  | 'readme';

export interface StoredFile {
  readonly kind: FileKind;
  /** In the repository. */
  readonly path: string;
  readonly size: number;
}

export interface Outcome {
  readonly check: Ran;
  readonly restore: Ran;
  /** Files that came back with other bytes than they had. */
  readonly wrong: readonly string[];
  /** Files that did not come back. */
  readonly missing: readonly string[];
  /** Of those, what restore did not name. */
  readonly unnamed: readonly string[];
}

export class DamagedHome implements Disposable {
  readonly home: Home = new Home();
  readonly files: readonly StoredFile[] = [];
  readonly #contents = new Map<string, Buffer>();

  /** Three snapshots: each adds packs, index objects, a commit and a record. */
  static async create({ beforeBackup }: { readonly beforeBackup?: (home: Home) => void } = {}): Promise<DamagedHome> {
    const damaged = new DamagedHome();
    const { home } = damaged;
    for (const folder of ['a/b', 'c']) mkdirSync(join(home.data, folder), { recursive: true });
    for (let i = 0; i < 12; i++) damaged.#write(`${['a', 'a/b', 'c'][i % 3]}/f${i}`, 500 + i * 997);
    damaged.#write('big', 1_500_000);
    await damaged.must(['init', '--trusted', '--quiet']);
    beforeBackup?.(home);
    await damaged.must(['backup', home.data, '--quiet']);
    damaged.#write('c/new', 300_000);
    beforeBackup?.(home);
    await damaged.must(['backup', home.data, '--quiet']);
    damaged.#write('a/newer', 100_000);
    beforeBackup?.(home);
    await damaged.must(['backup', home.data, '--quiet']);
    for (const name of ['state', 'cache', 'repository']) {
      cpSync(join(home.folder, name), join(home.folder, 'saved', name), { recursive: true });
    }
    Object.assign(damaged, { files: filesOf(join(home.folder, 'saved', 'repository')) });
    return damaged;
  }

  async must(args: readonly string[]): Promise<Ran> {
    const ran = await this.home.run(args);
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
    return ran;
  }

  /** The repository as it was made; this machine as it was then, or one that has never seen it. */
  async reset(machine: 'same' | 'blank'): Promise<void> {
    await this.home.settle();
    const { folder, repository } = this.home;
    const saved = join(folder, 'saved');
    for (const name of ['repository', 'out', 'other']) rmSync(join(folder, name), { recursive: true, force: true });
    linkTree(join(saved, 'repository'), repository);
    this.home.copyMachine(saved, folder);
    if (machine === 'blank') {
      this.home.forgetEverything();
      rmSync(join(repository, 'ledger.sqlite'), { force: true });
    }
  }

  /** Replaces a file; undefined removes it. */
  damage(path: string, change: (bytes: Buffer) => Uint8Array | undefined): void {
    const file = join(this.home.repository, path);
    const changed = change(readFileSync(file));
    rmSync(file);
    if (changed !== undefined) writeFileSync(file, changed, { mode: 0o444 });
  }

  /** Keys and ids of this device, as it was when the repository was made. */
  get device(): DeviceState {
    const [account = ''] = readdirSync(join(this.home.folder, 'state'));
    const bytes = readVersionedFile({ folder: join(this.home.folder, 'state', account), name: 'device' });
    if (bytes === undefined) throw new Error('this home has no device');
    return decodeDeviceState(bytes);
  }

  original(path: string): Buffer {
    return readFileSync(join(this.home.folder, 'saved', 'repository', path));
  }

  async outcome(): Promise<Outcome> {
    const { home } = this;
    const out = join(home.folder, 'out');
    // First what only reads: check sets damaged packs aside.
    const restore = await home.run(['restore', `latest:${home.data}`, '--target', out, '--json']);
    const check = await home.run(['check', '--read-data', '--json']);
    return { check, restore, ...this.compare(out, restore) };
  }

  compare(out: string, restore: Ran): Pick<Outcome, 'wrong' | 'missing' | 'unnamed'> {
    const failed = restore.records.filter(({ outcome }) => outcome === 'failed').map(({ path }) => String(path));
    const names = [...this.#contents.keys()];
    const missing = names.filter((name) => !existsSync(join(out, name)));
    const isNamed = (name: string): boolean => failed.some((path) => name === path || name.startsWith(`${path}/`));
    return {
      wrong: names.filter(
        (name) => existsSync(join(out, name)) && !readFileSync(join(out, name)).equals(this.#contents.get(name)!),
      ),
      missing,
      unnamed: missing.filter((name) => !isNamed(name)),
    };
  }

  [Symbol.dispose](): void {
    this.home[Symbol.dispose]();
  }

  #write(name: string, length: number): void {
    const bytes = Buffer.alloc(length);
    let state = length * 2_654_435_761;
    for (let at = 0; at < length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[at] = state >>> 24;
    }
    writeFileSync(join(this.home.data, name), bytes);
    this.#contents.set(name, bytes);
  }
}

/** Copies a repository without its bytes: packs and objects are never written in place. */
export function linkTree(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.name.startsWith('ledger.')) {
      cpSync(source, target);
      chmodSync(target, 0o600);
    } else linkSync(source, target);
  }
}

export function filesOf(repository: string): StoredFile[] {
  const visit = (folder: string): StoredFile[] =>
    readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'tmp' ? [] : visit(path);
      return [{ path, kind: kindOf(repository, path), size: statSync(join(repository, path)).size }];
    });
  return visit('');
}

const OBJECTS: Readonly<Record<number, FileKind>> = {
  0x10: 'data-index',
  0x12: 'meta-index',
  0x11: 'session',
  0x20: 'snapshot',
};
const FOLDERS: Readonly<Record<string, FileKind>> = {
  chain: 'commit',
  refsets: 'record',
  keychain: 'keychain',
  keyring: 'keyring',
  slots: 'slot',
};

function kindOf(repository: string, path: string): FileKind {
  if (path.includes('/packs/')) return readFileSync(join(repository, path))[5] === 1 ? 'data-pack' : 'meta-pack';
  if (path.includes('/objects/')) return OBJECTS[readFileSync(join(repository, path))[5]!]!;
  const kind = FOLDERS[dirname(path).split('/').at(-1)!];
  if (kind !== undefined) return kind;
  return path.startsWith('ledger') ? 'ledger' : path === 'keephold.format' ? 'marker' : 'readme';
}
