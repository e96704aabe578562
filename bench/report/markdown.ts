/** The tables of a result. */
import { baselineOf, type Result, sizeOf } from './result.ts';
import { type Figure, figures, type Summary, summarize } from './summary.ts';

export function toMarkdown(result: Result, plotFile: string | undefined): string {
  const parts = [
    `# Benchmark of ${result.date.slice(0, 10)}${result.quick ? ', quick' : ''}`,
    introduction(result),
    plotFile === undefined ? '' : `![ratios](${plotFile})`,
    ...result.sets.map((set) => table(result, set)),
    failures(result),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function introduction(result: Result): string {
  const { machine, tools, missing, runs } = result;
  const baseline = baselineOf(result);
  return [
    `Medians of ${runs} ${runs === 1 ? 'run' : 'runs'}, warm page cache, repository on the same disk as the source.`,
    ...(baseline === undefined
      ? []
      : [`In brackets: the ratio to ${baseline} in this run; below 1 is better. Compare ratios, not seconds.`]),
    ...(result.quick ? ['**Quick run: the data is too small for anything but trying the benchmark out.**'] : []),
    '',
    `- machine: ${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 1e9)} GB, ${machine.system}, Node ${machine.node}`,
    ...tools.map(({ name, version, note }) => `- ${name}: ${version}, ${note}`),
    ...(missing.length === 0 ? [] : [`- not installed here: ${missing.join(', ')}`]),
    `- peak memory: of the largest process (${machine.memorySource})`,
  ].join('\n');
}

function table(result: Result, set: Result['sets'][number]): string {
  const summaries = new Map(result.tools.map(({ name }) => [name, summarize(result.rows, name, set.name)]));
  const names = [...summaries.keys()];
  const baseline = summaries.get(baselineOf(result) ?? '');
  const rows = figures.map((figure) => {
    const cells = names.map((name) => cell(figure, summaries.get(name), baseline));
    return `| ${[`${figure.title}, ${figure.unit}`, ...cells].join(' | ')} |`;
  });
  return [
    `## ${set.name}: ${set.title} (${sizeOf(set)})`,
    '',
    `| | ${names.join(' | ')} |`,
    `|---|${'--:|'.repeat(names.length)}`,
    ...rows,
  ].join('\n');
}

function cell({ key }: Figure, summary: Summary | undefined, baseline: Summary | undefined): string {
  const [value, other] = [summary?.get(key), baseline?.get(key)];
  if (value === undefined) return '–';
  if (other === undefined || summary === baseline || other === 0) return round(value);
  return `${round(value)} (${(value / other).toFixed(2)})`;
}

/** Three digits. */
export function round(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function failures({ failures: all }: Result): string {
  if (all.length === 0) return '';
  return [
    '## Failed',
    '',
    ...all.map(({ tool, set, run, message }) => `- ${tool}, ${set}, run ${run + 1}: ${message}`),
  ].join('\n');
}
