/** Whether cost grows linearly: the same steps on 1×, 2× and 4× the files, and on 1×, 2× and 4× the bytes. */

import type { DataSet } from '../data/data-set.ts';
import { mediaFiles } from '../data/media-files.ts';
import { textFiles } from '../data/text-files.ts';
import type { Measured } from '../measure/run-measured.ts';
import { WorkFolder } from '../measure/work-folder.ts';
import { describeMachine } from '../report/machine.ts';
import { writeResultFiles } from '../report/result-files.ts';
import { median } from '../report/summary.ts';
import { exponent, fitLine } from './fit-line.ts';
import { KeepholdPlace } from './keephold-place.ts';

const FACTORS = [1, 2, 4] as const;
const STEPS = ['first backup', 'nothing changed', 'full restore', 'check every byte'] as const;
/** Seconds between 1× and 2× from which on an exponent says something. */
const NOISE = 0.04;

interface Series {
  readonly title: string;
  /** What slopes are per. */
  readonly unit: string;
  readonly unitsPerFactor: number;
  readonly make: (factor: number) => DataSet;
}

interface Cost {
  readonly series: string;
  readonly factor: number;
  readonly step: (typeof STEPS)[number];
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** In files, in bytes, or with `in` empty in both. */
export async function proveLinearCost(options: {
  readonly in: string;
  readonly quick: boolean;
  readonly runs: number;
}): Promise<void> {
  const all = series(options.quick).filter(({ title }) => title.startsWith(options.in));
  const costs: Cost[] = [];
  for (let run = 0; run < options.runs; run++) {
    for (const each of all) for (const factor of FACTORS) costs.push(...(await measure(each, factor)));
  }
  const report = toMarkdown(all, costs, options.runs);
  const what = ['scale-linear', options.in].filter(Boolean).join('-');
  const name = { date: new Date().toISOString(), what, quick: options.quick };
  console.log(`${report}\n${writeResultFiles(name, { md: report, json: `${JSON.stringify(costs, null, 1)}\n` })}`);
}

function series(quick: boolean): Series[] {
  const files = quick ? 2000 : 25_000;
  const bytes = quick ? 30e6 : 500e6;
  return [
    {
      title: `files: 1× is ${files.toLocaleString('en')} text files of 4 kB`,
      unit: '10,000 files',
      unitsPerFactor: files / 10_000,
      make: (factor) => textFiles({ files: files * factor, bytes: files * factor * 4000 }),
    },
    {
      title: `bytes: 1× is ${bytes / 1e6} MB in media files`,
      unit: 'GB',
      unitsPerFactor: bytes / 1e9,
      make: (factor) => mediaFiles(bytes * factor),
    },
  ];
}

async function measure({ title, make }: Series, factor: number): Promise<Cost[]> {
  using work = new WorkFolder();
  const place = new KeepholdPlace(work);
  make(factor).make(place.source);
  await place.init();
  const measured: Measured[] = [];
  for (const step of [() => place.backup(), () => place.backup(), () => place.restore(), () => place.check()]) {
    measured.push(await step());
  }
  console.log(`${factor}× ${title}: ${measured.map(({ seconds }) => seconds.toFixed(2)).join(', ')} s`);
  return measured.map(({ seconds, cpuSeconds = Number.NaN, peakBytes = Number.NaN }, i) => ({
    series: title,
    factor,
    step: STEPS[i]!,
    seconds,
    cpuSeconds,
    peakBytes,
  }));
}

function toMarkdown(all: readonly Series[], costs: readonly Cost[], runs: number): string {
  const { cpu, cores, node } = describeMachine();
  const date = new Date().toISOString().slice(0, 10);
  return `${[
    '# How cost grows',
    '',
    `${cpu}, ${cores} cores, Node ${node}, ${date}; medians of ${runs}. A line is fitted to the seconds; the exponent is p of \`fixed + c·nᵖ\` through the three points: 1 is linear. – means that the growth is too small to tell.`,
    ...all.flatMap((each) => ['', ...table(each, costs)]),
  ].join('\n')}\n`;
}

function table({ title, unit, unitsPerFactor }: Series, costs: readonly Cost[]): string[] {
  const rows = STEPS.flatMap((step) =>
    (['seconds', 'cpuSeconds'] as const).map((key) => {
      const values = medians(costs, { title, step, key });
      const points = FACTORS.map((factor, i) => ({ x: factor * unitsPerFactor, y: values[i]! }));
      const { fixed, slope, fit } = fitLine(points);
      const power = exponent(values, NOISE)?.toFixed(2) ?? '–';
      const peaks =
        key === 'seconds'
          ? medians(costs, { title, step, key: 'peakBytes' }).map((peak) => Math.round(peak / 1e6))
          : [];
      const numbers = [...values, fixed, slope].map((value) => value.toFixed(2));
      return `| ${[`${step}, ${key === 'seconds' ? 's' : 'CPU s'}`, ...numbers, fit.toFixed(3), power, peaks.join(' / ')].join(' | ')} |`;
    }),
  );
  return [
    `## ${title}`,
    '',
    `| | 1× | 2× | 4× | fixed | per ${unit} | R² | exponent | peak MB at 1× / 2× / 4× |`,
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ];
}

interface Wanted {
  readonly title: string;
  readonly step: string;
  readonly key: 'seconds' | 'cpuSeconds' | 'peakBytes';
}

function medians(costs: readonly Cost[], { title, step, key }: Wanted): [number, number, number] {
  const of = (factor: number): number => {
    const own = costs.filter((cost) => cost.series === title && cost.step === step && cost.factor === factor);
    return median(own.map((cost) => cost[key])) ?? Number.NaN;
  };
  return [of(1), of(2), of(4)];
}
