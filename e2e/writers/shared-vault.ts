/** One repository and the homes of several devices that back up into it, each with files of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCommand } from '../../apps/keephold/tests/_built-command.ts';
import type { SeededRandom } from '../crash/seeded-random.ts';
import { differences, type Fingerprint, fingerprint } from '../crash/source-tree.ts';
import { type Ended, ending } from '../crash/world.ts';

export class SharedVault implements Disposable {
  readonly repository: string;
  readonly devices: readonly Device[];
  /** Backs nothing up. */
  readonly reader: Device;
  readonly #base: string;

  constructor(devices: number) {
    this.#base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keephold-writers-'));
    this.repository = join(this.#base, 'repository');
    const password = join(this.#base, 'password');
    writeFileSync(password, 'a password that nobody guesses 1\n');
    chmodSync(password, 0o600);
    const place = (name: string): Device => new Device(join(this.#base, name), this.repository, password);
    this.devices = Array.from({ length: devices }, (_, number) => place(`device ${number}`));
    this.reader = place('reader');
  }

  [Symbol.dispose](): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}

type JsonRecord = Readonly<Record<string, unknown>>;

/** Exit code of a command that met damaged data. */
const DAMAGED = 13;

export class Device {
  readonly source: string;
  /** What it has committed and not forgotten, by number. */
  readonly committed: Map<number, Fingerprint> = new Map();
  readonly #folder: string;
  readonly #environment: Record<string, string>;

  constructor(folder: string, repository: string, password: string) {
    this.#folder = folder;
    this.source = join(folder, 'source');
    mkdirSync(this.source, { recursive: true });
    this.#environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      KEEPHOLD_REPO: repository,
      KEEPHOLD_PASSWORD_FILE: password,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
    };
  }

  /** Keys and pins of this device. */
  get stateFolder(): string {
    const state = join(this.#folder, '.local/state/keephold');
    return join(state, readdirSync(state)[0] ?? '');
  }

  start(args: readonly string[]): ChildProcess {
    const { node, cheapPasswords } = builtCommand();
    return spawn(process.execPath, [cheapPasswords, ...node, ...args], {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async run(args: readonly string[]): Promise<Ended> {
    return await ending(this.start(args));
  }

  async must(args: readonly string[]): Promise<readonly JsonRecord[]> {
    const { exitCode, stdout, stderr } = await this.run([...args, '--json']);
    if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${stdout.slice(-1500)}${stderr}`);
    return recordsOf(stdout);
  }

  /** Other files than before, some of them as others have them. */
  edit(random: SeededRandom): void {
    writeFileSync(join(this.source, `file ${random.below(6)}`), random.bytes(random.below(200_000)));
    writeFileSync(join(this.source, 'the same everywhere'), `${random.below(3)}`.repeat(50_000));
    const folder = join(this.source, `folder ${random.below(3)}`);
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < 5; i++) writeFileSync(join(folder, `${i}`), random.bytes(random.below(9000)));
  }

  async backup(): Promise<void> {
    const now = fingerprint(this.source);
    const summary = (await this.must(['backup', this.source])).find(({ type }) => type === 'summary');
    const snapshot = summary?.['snapshot'] as { readonly seq: number } | null | undefined;
    if (snapshot === undefined || snapshot === null) throw new Error('a backup ended well and made no snapshot');
    this.committed.set(snapshot.seq, now);
  }

  async forget(seq: number): Promise<void> {
    this.committed.delete(seq);
    const args = ['forget', `#${seq}`, '--json'];
    const { exitCode, stdout, stderr } = await this.run(args);
    const isDone = recordsOf(stdout).some((record) => record['type'] === 'forgotten' && record['seq'] === seq);
    // 13 says that snapshots cannot be read, as those of the malicious device: all the others are judged in the end.
    if (!isDone || (exitCode !== 0 && !(exitCode === DAMAGED && /snapshots? cannot be read: #/.test(stderr))))
      throw new Error(`${args.join(' ')} ended with ${exitCode}: ${stdout.slice(-1500)}${stderr}`);
  }

  /** Everything comes back as `device` had it, with a clean exit. */
  async expectRestored(device: Device, seq: number): Promise<void> {
    const target = join(this.#folder, `out-${seq}`);
    await this.must(['restore', `#${seq}:${device.source}`, '--target', target]);
    const wrong = differences(device.committed.get(seq)!, fingerprint(target));
    rmSync(target, { recursive: true });
    if (wrong.length > 0) throw new Error(`snapshot #${seq} came back otherwise:\n${wrong.join('\n')}`);
  }
}

export function recordsOf(text: string): readonly JsonRecord[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as JsonRecord);
}
