/** A repository of the built command in the work folder, and its commands under measurement. */
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, runMeasured } from '../measure/run-measured.ts';
import { settleDisk, type WorkFolder } from '../measure/work-folder.ts';
import type { Place } from '../tools/backup-tool.ts';
import { builtCommand } from '../tools/installed-tools.ts';
import { keephold, keepholdEnvironment } from '../tools/keephold.ts';

export class KeepholdPlace implements Place {
  readonly source: string;
  readonly repository: string;
  readonly state: string;
  readonly version: string;
  readonly #work: WorkFolder;

  /** `below`: a folder in the work folder, when there are several places. */
  constructor(work: WorkFolder, below = '') {
    this.#work = work;
    this.source = work.fresh(join(below, 'live'));
    this.repository = work.fresh(join(below, 'repository'));
    this.state = work.fresh(join(below, 'state'));
    this.version = keephold(builtCommand).version;
  }

  run(...args: string[]): Promise<Measured> {
    settleDisk();
    return runMeasured(
      { program: builtCommand, args: [...args, '--quiet'] },
      { environment: keepholdEnvironment(this), home: this.state },
    );
  }

  init(): Promise<Measured> {
    return this.run('init', '--trusted');
  }

  backup(folder: string = this.source): Promise<Measured> {
    return this.run('backup', folder);
  }

  /** As a new device: with nothing but the password. */
  restore(): Promise<Measured> {
    this.#forgetDevice();
    return this.run('restore', `latest:${this.source}`, '--target', this.#work.fresh('restored'));
  }

  /** As a new device. */
  check(): Promise<Measured> {
    this.#forgetDevice();
    return this.run('check', '--read-data');
  }

  /** Of the one repository this device knows. */
  get cacheFolder(): string {
    const [table, ...others] = globSync(join(this.state, 'cache', 'keephold', '*', 'known-table'));
    if (table === undefined || others.length > 0) throw new Error('there is not exactly one cache of known blobs');
    return join(table, '..');
  }

  #forgetDevice(): void {
    for (const folder of ['config', 'cache', 'state', 'data']) {
      rmSync(join(this.state, folder), { recursive: true, force: true });
    }
  }
}
