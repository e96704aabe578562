/**
 * A repository damaged at drawn places, and asked by the real command: nothing wrong ever comes back, what is lost is
 * named, check finds it all, and a second copy mends it. Every round begins with the same repository.
 */
import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DamagedHome, type FileKind, linkTree, type Outcome } from '../../apps/keephold/tests/damage/_damaged-home.ts';
import { dishonesties } from '../../apps/keephold/tests/damage/_dishonesties.ts';
import { SeededRandom } from '../crash/seeded-random.ts';
import { type Damage, drawDamage } from './draw-damage.ts';

/** What can be made again, and so may lie there in any state. */
const REMADE: ReadonlySet<FileKind> = new Set(['ledger', 'readme']);
/** Without one of them nothing opens on a machine that has not seen it, and one problem is told. */
const WAYS_IN: ReadonlySet<FileKind> = new Set(['keychain', 'keyring', 'slot', 'marker']);
const MOST_FILES = 3;

export class RandomDamage implements Disposable {
  readonly #home: DamagedHome;

  private constructor(home: DamagedHome) {
    this.#home = home;
  }

  static async create(): Promise<RandomDamage> {
    return new RandomDamage(await DamagedHome.create());
  }

  /** What was done, in words. @throws Error that says what did not hold */
  async round(seed: number): Promise<string> {
    const random = new SeededRandom(seed);
    const draw = random.below(30);
    if (draw === 0) return await this.#olderLedger();
    if (draw === 1) return await this.#olderRepository();
    const machine = random.below(2) === 0 ? 'same' : 'blank';
    const damages = drawDamage(this.#home, random, MOST_FILES).filter(({ file, change }) => {
      const bytes = this.#home.original(file.path);
      // Zeros over zeros, nothing cut off: no damage.
      return !(change(bytes)?.length === bytes.length && bytes.equals(Buffer.from(change(bytes)!)));
    });
    const what = `${machine} machine; ${damages.map(({ file, how }) => `${file.path}: ${how}`).join('; ')}`;
    try {
      await this.#damaged(machine, damages);
    } catch (cause) {
      throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    return what;
  }

  [Symbol.dispose](): void {
    this.#home[Symbol.dispose]();
  }

  async #damaged(machine: 'same' | 'blank', damages: readonly Damage[]): Promise<void> {
    await this.#home.reset(machine);
    // The ledger of a blank machine is gone already.
    const done = damages.filter(({ file }) => machine === 'same' || file.kind !== 'ledger');
    for (const { file, change } of done) this.#home.damage(file.path, change);
    const outcome = await this.#home.outcome();
    judge(outcome, { machine, damages: done, commits: this.#commits() });
    await this.#heal();
  }

  /** Another copy gives back all of it. */
  async #heal(): Promise<void> {
    const { home } = this.#home;
    const copy = join(home.folder, 'other');
    linkTree(join(home.folder, 'saved', 'repository'), copy);
    const healed = await home.run(['heal', '--from', copy, '--read-data', '--json']);
    require(healed.code === 0, `heal --from ended with ${healed.code}: ${healed.stdout}${healed.stderr}`);
    const { check, restore, wrong, missing } = await this.#afresh();
    require(check.code === 0, `check after heal ended with ${check.code}: ${check.stdout}${check.stderr}`);
    require(restore.code === 0, `restore after heal ended with ${restore.code}: ${restore.stdout}${restore.stderr}`);
    require(wrong.length + missing.length === 0, `after heal ${[...wrong, ...missing].join(' ')} did not come back`);
  }

  /** The ledger of an earlier time beside a longer chain. */
  async #olderLedger(): Promise<string> {
    await this.#home.reset('same');
    await this.#home.must(['backup', this.#home.home.data, '--quiet']);
    this.#home.damage('ledger.sqlite', () => this.#home.original('ledger.sqlite'));
    const { check, restore, missing } = await this.#home.outcome();
    require(check.code === 0 && restore.code === 0, `codes ${check.code} and ${restore.code}: ${check.stdout}`);
    require(missing.length === 0, `${missing.join(' ')} did not come back`);
    return 'a ledger of an earlier time';
  }

  /** All files of an earlier time, to a device that has seen a later one. */
  async #olderRepository(): Promise<string> {
    const { home } = this.#home;
    await this.#home.reset('same');
    await this.#home.must(['backup', home.data, '--quiet']);
    cpSync(join(home.folder, 'state'), join(home.folder, 'later'), { recursive: true });
    await this.#home.reset('same');
    cpSync(join(home.folder, 'later'), join(home.folder, 'state'), { recursive: true, force: true });
    for (const args of [['snapshots'], ['check'], ['backup', home.data], ['gc']]) {
      const ran = await home.run([...args, '--json']);
      require(ran.code === 13, `${args[0]} of an older repository ended with ${ran.code}: ${ran.stdout}`);
      require(ran.stdout.includes('"code":"rollback"'), `${args[0]} does not tell a rollback: ${ran.stdout}`);
    }
    return 'a whole repository of an earlier time';
  }

  #commits(): readonly string[] {
    return this.#home.files
      .filter(({ kind }) => kind === 'commit')
      .map(({ path }) => path)
      .toSorted();
  }

  async #afresh(): Promise<Outcome> {
    const { home } = this.#home;
    const out = join(home.folder, 'healed');
    const restore = await home.run(['restore', `latest:${home.data}`, '--target', out, '--json']);
    const check = await home.run(['check', '--read-data', '--json']);
    return { check, restore, ...this.#home.compare(out, restore) };
  }
}

interface Case {
  readonly machine: 'same' | 'blank';
  readonly damages: readonly Damage[];
  /** Paths, oldest first. */
  readonly commits: readonly string[];
}

function judge(outcome: Outcome, { machine, damages, commits }: Case): void {
  const lies = dishonesties(outcome, newerThan(damages, commits));
  require(lies.length === 0, lies.join('; '));
  const told = damages.filter(({ file }) => !REMADE.has(file.kind));
  const { check, restore } = outcome;
  if (told.length === 0) {
    require(check.code === 0, `check ended with ${check.code}: ${check.stdout}${check.stderr}`);
    require(restore.code === 0, `restore ended with ${restore.code}: ${restore.stdout}${restore.stderr}`);
    return;
  }
  const closed = told.filter(({ file: { kind } }) => kind === 'marker' || (machine === 'blank' && WAYS_IN.has(kind)));
  if (closed.length > 0) {
    const codes = closed.some(({ file }) => file.kind === 'slot') ? [12, 13] : [13];
    require(codes.includes(check.code), `check ended with ${check.code}: ${check.stdout}${check.stderr}`);
    return;
  }
  // The newest commits without a trace are an older repository: only a device that has seen more can tell.
  const isOlder = machine === 'blank' && told.every((damage) => isTailGone(damage, told, commits));
  if (isOlder) return;
  require(check.code === 13, `check ended with ${check.code}: ${check.stdout}${check.stderr}`);
  const named = told.filter(({ file }) => !WAYS_IN.has(file.kind) && !isTailGone({ file }, told, commits));
  // What a commit named, nobody knows without it.
  const known = named.some(({ file }) => file.kind === 'commit')
    ? named.filter(({ file }) => file.kind === 'commit')
    : named;
  for (const { file } of known) {
    const name = file.kind === 'commit' ? `commit ${Number(basename(file.path))}` : basename(file.path);
    require(`${check.stdout}${check.stderr}`.includes(name), `check does not name ${name}: ${check.stdout}`);
  }
}

/** Files that only snapshots after the oldest damaged commit hold: what they say may be lost with them. */
function newerThan(damages: readonly Damage[], commits: readonly string[]): readonly string[] {
  const added = [[], ['c/new'], ['a/newer']];
  const first = commits.findIndex((path) => damages.some(({ file }) => file.path === path));
  return first < 0 ? [] : added.slice(first).flat();
}

/** Gone, or empty as a name that a crash reserved, and so is all after it. */
function isTailGone({ file }: Pick<Damage, 'file'>, damages: readonly Damage[], commits: readonly string[]): boolean {
  const at = commits.indexOf(file.path);
  if (at < 0) return false;
  return commits.slice(at).every((path) => {
    const damage = damages.find((one) => one.file.path === path);
    return damage !== undefined && (damage.change(Buffer.alloc(1000))?.length ?? 0) === 0;
  });
}

function require(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
