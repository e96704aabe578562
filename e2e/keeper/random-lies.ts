/**
 * The real command against a keeper that lies at random: it ends with a code of the table, restores nothing wrong, passes
 * no older state off as the newest, and what it does on the strength of lies harms nothing that is stored.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lyingCustody } from '@keephold/testkit';
import { DamagedHome } from '../../apps/keephold/tests/damage/_damaged-home.ts';
import { dishonesties } from '../../apps/keephold/tests/damage/_dishonesties.ts';
import type { Ran } from '../../apps/keephold/tests/damage/_home.ts';
import { SeededRandom } from '../crash/seeded-random.ts';
import { type DrawnLie, drawLies } from './draw-lies.ts';

/** Files that each snapshot added. */
const ADDED = [[], ['c/new'], ['a/newer']];
const EXIT_CODES: readonly number[] = [0, 1, 3, 12, 13];
const BUG = /RangeError|TypeError|SyntaxError|undefined is not|\bat .*\.[jt]s:\d/;

export class RandomLies implements Disposable {
  readonly #told: DamagedHome;
  readonly #stranger: DamagedHome;

  private constructor(told: DamagedHome, stranger: DamagedHome) {
    this.#told = told;
    this.#stranger = stranger;
  }

  static async create(): Promise<RandomLies> {
    return new RandomLies(await DamagedHome.create(), await DamagedHome.create());
  }

  /** What was said, in words. @throws Error that says what did not hold */
  async round(seed: number): Promise<string> {
    const random = new SeededRandom(seed);
    const machine = random.below(2) === 0 ? 'same' : 'blank';
    const lies = drawLies(this.#told, this.#stranger, random);
    const what = `${machine} machine; ${lies.map((one) => one.what).join('; ')}`;
    try {
      await this.#told.reset(machine);
      await this.#restore(machine, lies);
      const storing = await this.#others(lies, random);
      await this.#truthAgain(lies, storing);
    } catch (cause) {
      throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    return what;
  }

  [Symbol.dispose](): void {
    this.#told[Symbol.dispose]();
    this.#stranger[Symbol.dispose]();
  }

  async #restore(machine: 'same' | 'blank', lies: readonly DrawnLie[]): Promise<void> {
    const { home } = this.#told;
    const out = join(home.folder, 'out');
    const restore = await this.#ask(['restore', `latest:${home.data}`, '--target', out], lies);
    const check = await this.#ask(['check', '--read-data'], lies);
    const shown = Math.min(...lies.map(({ shownUntil = ADDED.length }) => shownUntil));
    const lacking = ADDED.slice(shown).flat();
    const outcome = { restore, check, ...this.#told.compare(out, restore) };
    // The codes are judged with those of the other commands.
    const found = dishonesties(outcome, lacking).filter((text) => !/ended with 1:/.test(text));
    if (found.length > 0) throw new Error(found.join('; '));
    if (restore.code === 0 && outcome.missing.some((name) => !lacking.includes(name)))
      throw new Error(`restore ended with 0, and ${outcome.missing.join(' ')} did not come back`);
    // This device has made all three commits and signed with the whole keychain.
    const isOlder = lies.some(({ hidesEntries, what }) => hidesEntries || what.startsWith('the vault as it was'));
    if (machine === 'same' && isOlder && check.code !== 13)
      throw new Error(`check takes an older state for the newest: ${check.code}: ${check.stdout}`);
  }

  /** Whether a backup said that it is stored. */
  async #others(lies: readonly DrawnLie[], random: SeededRandom): Promise<boolean> {
    const { data } = this.#told.home;
    const verbs = [
      ['snapshots'],
      ['forget', '#1'],
      ['gc'],
      ['gc', '--purge-days', '0'],
      ['heal'],
      ['find', 'f1'],
      ['backup', data],
    ];
    let storing = false;
    for (let count = 2; count > 0; count--) {
      const verb = verbs[random.below(verbs.length)]!;
      const { code } = await this.#ask(verb, lies);
      if (verb[0] === 'backup' && code === 0) storing = true;
    }
    return storing;
  }

  /** Everything is there, told by a keeper that lies no more: to this device, if it has not been lied into a later state. */
  async #truthAgain(lies: readonly DrawnLie[], storing: boolean): Promise<void> {
    const { home } = this.#told;
    const known = await home.run(['check', '--read-data', '--json']);
    const isDeceived = storing && lies.some(({ losesCommits }) => losesCommits);
    const codes = isDeceived ? [0, 13] : [0];
    if (!codes.includes(known.code)) throw new Error(`check afterwards ended with ${known.code}: ${known.stdout}`);
    const kept = join(home.folder, 'kept');
    rmSync(kept, { recursive: true, force: true });
    home.forgetEverything();
    const restore = await home.run(['restore', `latest:${home.data}`, '--target', kept, '--json']);
    const { wrong, missing } = this.#told.compare(kept, restore);
    if (restore.code !== 0 || wrong.length + missing.length > 0)
      throw new Error(
        `lost: restore ended with ${restore.code}, ${[...wrong, ...missing].join(' ')}: ${restore.stdout}`,
      );
    const check = await home.run(['check', '--read-data', '--json']);
    if (check.code !== 0) throw new Error(`check elsewhere ended with ${check.code}: ${check.stdout}`);
    rmSync(kept, { recursive: true, force: true });
  }

  async #ask(verb: readonly string[], lies: readonly DrawnLie[]): Promise<Ran> {
    const disguise = (truth: Parameters<typeof lyingCustody>[0]): ReturnType<typeof lyingCustody> =>
      lyingCustody(
        truth,
        lies.map(({ lie }) => lie),
      );
    const ran = await this.#told.home.run([...verb, '--json'], { disguise });
    if (!EXIT_CODES.includes(ran.code))
      throw new Error(`${verb[0]} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
    if (BUG.test(`${ran.stdout}${ran.stderr}`))
      throw new Error(`a bug shows in ${verb[0]}: ${ran.stdout}${ran.stderr}`);
    return ran;
  }
}
