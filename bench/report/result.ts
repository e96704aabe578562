/** What a run of the benchmark found; all of it goes to the JSON file. */
import type { Failure, Row } from '../measure/steps.ts';

export interface Result {
  /** ISO, of the start. */
  readonly date: string;
  readonly runs: number;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly tools: readonly { readonly name: string; readonly version: string; readonly note: string }[];
  readonly missing: readonly string[];
  readonly sets: readonly {
    readonly name: string;
    readonly title: string;
    readonly files: number;
    readonly bytes: number;
  }[];
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly memorySource: string;
}

/** What ratios are relative to: restic where it was measured, else the first peer; nothing when we are alone. */
export function baselineOf({ tools }: Pick<Result, 'tools'>): string | undefined {
  const names = tools.map(({ name }) => name);
  return names.includes('restic') ? 'restic' : names.find((name) => name !== 'keephold');
}

export function sizeOf({ files, bytes }: Result['sets'][number]): string {
  return `${files === 1 ? '1 file' : `${files.toLocaleString('en')} files`}, ${Math.round(bytes / 1e6)} MB`;
}
