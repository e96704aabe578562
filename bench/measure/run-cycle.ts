/** One cycle: one tool, one data set, all steps, in a repository of its own. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences, fingerprint } from '../data/compare-trees.ts';
import type { DataSet } from '../data/data-set.ts';
import type { BackupTool, Invocation, Place } from '../tools/backup-tool.ts';
import { folderBytes } from './folder-bytes.ts';
import { runMeasured } from './run-measured.ts';
import type { Row, Step } from './steps.ts';
import { copyTree, settleDisk, type WorkFolder } from './work-folder.ts';

export interface CycleOptions {
  readonly tool: BackupTool;
  readonly set: DataSet;
  readonly run: number;
  readonly work: WorkFolder;
  /** The data set as it was made. */
  readonly master: string;
  readonly onRow: (row: Row) => void;
}

const REPEATED_READS = 3;

export class RestoreDiffersError extends Error {
  readonly code = 'restore-differs';
}

/** @throws ProgramFailedError, RestoreDiffersError: the rows so far have been given. */
export async function runCycle(options: CycleOptions): Promise<void> {
  const cycle = new Cycle(options);
  await cycle.backUp();
  await cycle.readBack();
  await cycle.asNewDevice();
}

class Cycle {
  readonly #options: CycleOptions;
  readonly #place: Place;

  constructor(options: CycleOptions) {
    const { work } = options;
    this.#options = options;
    this.#place = { source: work.fresh('live'), repository: work.fresh('repository'), state: work.fresh('state') };
  }

  async backUp(): Promise<void> {
    const { tool, set, master } = this.#options;
    const { source } = this.#place;
    copyTree(master, source);
    for (const invocation of tool.init(this.#place)) await this.#run(invocation);
    await this.#backup('first', 'v0');
    await this.#backup('unchanged', 'v1');
    set.change(source);
    await this.#backup('changed', 'v2');
  }

  async readBack(): Promise<void> {
    const { tool, set, work } = this.#options;
    for (let i = 0; i < REPEATED_READS; i++) await this.#step('list', tool.list(this.#place, 'v2'));
    const wanted = readFileSync(join(this.#place.source, set.sample));
    for (let i = 0; i < REPEATED_READS; i++) {
      const target = work.fresh('one');
      const { invocation, file } = tool.oneFile(this.#place, { tag: 'v2', path: set.sample, target });
      await this.#step('one-file', invocation);
      if (!readFileSync(file).equals(wanted))
        throw new RestoreDiffersError(`${tool.name}: ${set.sample} came back different`);
    }
  }

  async asNewDevice(): Promise<void> {
    const { tool, work } = this.#options;
    this.#forgetDevice();
    const { invocation, tree } = tool.restore(this.#place, 'v2', work.fresh('restored'));
    await this.#step('restore', invocation);
    const lost = differences(fingerprint(this.#place.source), fingerprint(tree));
    if (lost.length > 0)
      throw new RestoreDiffersError(`${tool.name}: the restored tree is not the source:\n${lost.join('\n')}`);
    this.#forgetDevice();
    await this.#step('check', tool.check(this.#place));
  }

  async #backup(step: Step, tag: string): Promise<void> {
    const { repository } = this.#place;
    const before = folderBytes(repository);
    const sizes = () => {
      const after = folderBytes(repository);
      return step === 'first' ? { repositoryBytes: after } : { addedBytes: after - before };
    };
    await this.#step(step, this.#options.tool.backup(this.#place, tag), sizes);
  }

  async #step(step: Step, invocation: Invocation, sizes: () => Partial<Row> = () => ({})): Promise<void> {
    const { tool, set, run, onRow } = this.#options;
    const measured = await this.#run(invocation);
    onRow({ tool: tool.name, set: set.name, run, step, ...measured, ...sizes() });
  }

  #run(invocation: Invocation): ReturnType<typeof runMeasured> {
    settleDisk();
    const { state } = this.#place;
    return runMeasured(invocation, { environment: this.#options.tool.environment(this.#place), home: state });
  }

  #forgetDevice(): void {
    const { tool, work } = this.#options;
    for (const folder of tool.deviceFolders(this.#place)) work.discard(folder);
    mkdirSync(this.#place.state, { recursive: true });
  }
}
