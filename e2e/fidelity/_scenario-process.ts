/**
 * One run of the real command over all cases on one file system, as root or as an ordinary user. Started in a mount
 * namespace of its own, so that what it mounts goes with it; prints what it saw as JSON.
 *
 *   node _scenario-process.ts FILE-SYSTEM root|user WORK-FOLDER
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtCommand } from '../../apps/keephold/tests/_built-command.ts';
import { cases, type FidelityCase, type FileSystem, type Mode, probes } from './cases.ts';

/** What a case came to. */
export interface Seen {
  readonly id: string;
  readonly mode: Mode;
  /** Why it could not be made here. */
  readonly notMade?: string;
  /** What each probe printed that differs. */
  readonly differences: Readonly<Record<string, string>>;
  /** `kind of record: what or reason` of everything the command said about its items. */
  readonly told: readonly string[];
}

const NOBODY = 65534;

interface Account {
  readonly uid: number;
  readonly gid: number;
}

class Scenario {
  readonly #work: string;
  readonly #account: Account;
  readonly #notMade = new Map<string, string>();

  constructor(work: string, account: Account) {
    this.#work = work;
    this.#account = account;
    for (const folder of ['source', 'home']) {
      mkdirSync(join(work, folder));
      chownSync(join(work, folder), account.uid, account.gid);
    }
  }

  make(fileSystem: FileSystem): void {
    for (const one of cases) {
      const folder = join(this.#work, 'source', one.id);
      const by = one.madeByRoot === true ? { uid: process.getuid!(), gid: process.getgid!() } : this.#account;
      mkdirSync(folder);
      chownSync(folder, this.#account.uid, this.#account.gid);
      chmodSync(folder, 0o755);
      if (one.only !== undefined && one.only !== fileSystem) this.#notMade.set(one.id, `only on ${one.only}`);
      else if (one.madeByRoot === true && by.uid !== 0) this.#notMade.set(one.id, 'needs root');
      else this.#makeOne(one, folder, by);
    }
  }

  #makeOne(one: FidelityCase, folder: string, by: Account): void {
    for (const line of one.make) {
      const { status, stderr } = spawnSync('bash', ['-c', line], {
        cwd: folder,
        ...by,
        encoding: 'utf8',
        env: { ...shellEnvironment(), NODE: process.execPath, OWNER: `${this.#account.uid}:${this.#account.gid}` },
      });
      if (status !== 0) return void this.#notMade.set(one.id, `cannot be made here: ${stderr.trim()}`);
    }
  }

  /** Runs the command; answers its records. */
  keephold(...args: readonly string[]): readonly Record<string, unknown>[] {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...builtCommand().node, ...args, '--json'], {
      cwd: this.#work,
      ...this.#account,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(this.#work, 'home'),
        KEEPHOLD_REPO: join(this.#work, 'home', 'repo'),
        KEEPHOLD_PASSWORD: 'fidelity of fields',
        LC_ALL: 'C.UTF-8',
      },
    });
    if (status !== 0 && status !== 3) throw new Error(`keephold ${args[0]}: ended with ${status}: ${stderr}${stdout}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  look(mode: Mode, target: string, backup: readonly Told[], restore: readonly Told[]): Seen[] {
    return cases.map((one) => {
      const mine = [...backup, ...restore].filter(({ path }) => path === one.id || path.startsWith(`${one.id}/`));
      const notMade = this.#notMade.get(one.id);
      const differences = notMade === undefined ? this.#differences(one, target) : {};
      return { id: one.id, mode, ...(notMade !== undefined && { notMade }), differences, told: mine.map(text) };
    });
  }

  #differences(one: FidelityCase, target: string): Record<string, string> {
    const folders = [join(this.#work, 'source', one.id), join(target, one.id)] as const;
    const differences: Record<string, string> = {};
    for (const probe of one.seenBy) {
      const [before, after] = folders.map((cwd, i) => print(probes[probe].command, cwd, folders[1 - i]!));
      const differs = probe === 'rsync' || probe === 'tar' ? before !== '' : before !== after;
      if (differs)
        differences[probe] = probe === 'rsync' || probe === 'tar' ? before! : firstDifference(before!, after!);
    }
    return differences;
  }
}

function shellEnvironment(): Record<string, string> {
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

function print(command: string, cwd: string, other: string): string {
  if (!existsSync(cwd)) return `no ${cwd}`;
  const env = { ...shellEnvironment(), OTHER: other };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
    cwd,
    env,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  return status === 0 ? stdout : `${stdout}${stderr}ended with ${status}`;
}

function firstDifference(a: string, b: string): string {
  const lines = b.split('\n');
  const at = a.split('\n').findIndex((line, i) => line !== lines[i]);
  return `${a.split('\n')[at] ?? '(end)'}\n  restored: ${lines[at] ?? '(end)'}`;
}

interface Told {
  readonly path: string;
  readonly kind: string;
  readonly whats: readonly string[];
}

function text({ path, kind, whats }: Told): string {
  return `${kind}: ${whats.join(', ')} (${path})`;
}

/** What a backup says about entries below the source. */
function toldByBackup(records: readonly Record<string, unknown>[], source: string): Told[] {
  return records.flatMap((record) => {
    if (record['type'] !== 'unreadable' && record['type'] !== 'note') return [];
    const path = String(record['path']).slice(source.length + 1);
    return [{ path, kind: String(record['type']), whats: [String(record['error'] ?? record['note'])] }];
  });
}

function toldByRestore(records: readonly Record<string, unknown>[]): Told[] {
  return records.flatMap((record) => {
    if (record['type'] !== 'item') return [];
    const problems = (record['problems'] ?? []) as readonly { readonly what: string }[];
    const path = String(record['path']);
    if (record['outcome'] === 'skipped' || record['outcome'] === 'failed')
      return [{ path, kind: String(record['outcome']), whats: [String(record['reason'])] }];
    return problems.length === 0 ? [] : [{ path, kind: 'problem', whats: problems.map(({ what }) => what) }];
  });
}

/** Mounts what the scenario works on; the folder itself where it is such a file system already. */
function mount(fileSystem: FileSystem, work: string): void {
  const kind = spawnSync('stat', ['-f', '-c', '%T', work], { encoding: 'utf8' }).stdout.trim();
  if (fileSystem === 'ext4' && kind === 'ext2/ext3') return;
  if (fileSystem === 'tmpfs' && kind === 'tmpfs') return;
  const image = `${work}.img`;
  const commands = {
    ext4: `truncate -s 1G '${image}' && mkfs.ext4 -q '${image}' && mount -o loop '${image}' '${work}'`,
    tmpfs: `mount -t tmpfs none '${work}'`,
  };
  const { status, stderr } = spawnSync('bash', ['-c', commands[fileSystem]], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount: ${stderr}`);
}

function run(fileSystem: FileSystem, who: string, work: string): Seen[] {
  mount(fileSystem, work);
  chmodSync(work, 0o755);
  const isRoot = process.getuid?.() === 0;
  const account =
    who === 'user' && isRoot ? { uid: NOBODY, gid: NOBODY } : { uid: process.getuid!(), gid: process.getgid!() };
  const scenario = new Scenario(work, account);
  scenario.make(fileSystem);
  const source = join(work, 'source');
  scenario.keephold('init', '--trusted');
  const backup = toldByBackup(scenario.keephold('backup', source), source);
  const restoreTo = (mode: Mode, ...options: readonly string[]): Seen[] => {
    const target = join(work, 'home', mode);
    const restored = scenario.keephold('restore', `latest:${source}`, '--target', target, ...options);
    return scenario.look(mode, target, backup, toldByRestore(restored));
  };
  if (who === 'user') return restoreTo('user');
  return [...restoreTo('privileged', '--privileged'), ...restoreTo('root')];
}

if (import.meta.main) {
  const [fileSystem, who, work, output] = process.argv.slice(2) as [FileSystem, string, string, string];
  writeFileSync(output, JSON.stringify(run(fileSystem, who, work)));
}
