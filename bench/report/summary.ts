/** Medians of the rows, as figures that tools are compared by. */
import type { Row, Step } from '../measure/steps.ts';

export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly unit: 's' | 'MB';
}

interface Source extends Figure {
  readonly of: (rows: readonly Row[]) => number | undefined;
}

const seconds = (key: string, title: string, step: Step): Source => ({
  key,
  title,
  unit: 's',
  of: (rows) => median(rows.filter((row) => row.step === step).map((row) => row.seconds)),
});

const sources: readonly Source[] = [
  seconds('first', 'first backup', 'first'),
  seconds('unchanged', 'nothing changed', 'unchanged'),
  seconds('changed', '1 % changed', 'changed'),
  seconds('list', 'list', 'list'),
  seconds('one-file', 'one file back', 'one-file'),
  seconds('restore', 'full restore, new device', 'restore'),
  seconds('check', 'check every byte', 'check'),
  {
    key: 'stored',
    title: 'repository size',
    unit: 'MB',
    of: (rows) => megabytes(median(defined(rows, 'repositoryBytes'))),
  },
  {
    key: 'added',
    title: 'added by 1 % changed',
    unit: 'MB',
    of: (rows) =>
      megabytes(
        median(
          defined(
            rows.filter((row) => row.step === 'changed'),
            'addedBytes',
          ),
        ),
      ),
  },
  { key: 'memory', title: 'peak memory', unit: 'MB', of: (rows) => megabytes(peakMemory(rows)) },
];

export const figures: readonly Figure[] = sources;

/** Figure key → value in the figure's unit; what was not measured is missing. */
export type Summary = ReadonlyMap<string, number>;

export function summarize(rows: readonly Row[], tool: string, set: string): Summary {
  const own = rows.filter((row) => row.tool === tool && row.set === set);
  const values = sources.map(({ key, of }) => [key, of(own)] as const);
  return new Map(values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** The most that any step took, each as the median of its runs. */
function peakMemory(rows: readonly Row[]): number | undefined {
  const names = [...new Set(rows.map((row) => row.step))];
  const peaks = names.flatMap(
    (step) =>
      median(
        defined(
          rows.filter((row) => row.step === step),
          'peakBytes',
        ),
      ) ?? [],
  );
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

function defined(rows: readonly Row[], key: 'repositoryBytes' | 'addedBytes' | 'peakBytes'): number[] {
  return rows.flatMap((row) => row[key] ?? []);
}

function megabytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1e6;
}
