/**
 * `npm run bench`: compares the built command with the peers that are installed, on data it makes itself, and writes a
 * table, a plot and all rows to bench/results. A smaller relative of a full benchmark: read ratios, not seconds.
 */
import { parseArgs } from 'node:util';
import type { DataSet } from './data/data-set.ts';
import { databaseFile } from './data/database-file.ts';
import { mediaFiles } from './data/media-files.ts';
import { textFiles } from './data/text-files.ts';
import { buildCommand } from './measure/build-command.ts';
import { folderBytes } from './measure/folder-bytes.ts';
import { runCycle } from './measure/run-cycle.ts';
import type { Failure, Row } from './measure/steps.ts';
import { WorkFolder } from './measure/work-folder.ts';
import { describeMachine } from './report/machine.ts';
import { round, toMarkdown } from './report/markdown.ts';
import { toPlot } from './report/plot.ts';
import type { Result } from './report/result.ts';
import { baseName, writeResultFiles } from './report/result-files.ts';
import type { BackupTool } from './tools/backup-tool.ts';
import { installedTools } from './tools/installed-tools.ts';

const usage = `npm run bench -- [options]
  --quick        a tenth of the data, once: tries the benchmark out
  --runs N       times everything is measured (3)
  --sets LIST    of text,media,database
  --peers LIST   of restic,borg,kopia; those that are installed, on the PATH or below $BENCH_PEERS
  --no-build     measure the command as it was built last
$BENCH_DIR is where data and repositories go (the temporary folder); allow 15 GB.`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    sets: { type: 'string' },
    peers: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (options.help) console.log(usage);
else await bench();

async function bench(): Promise<void> {
  if (!options['no-build']) buildCommand();
  const date = new Date().toISOString();
  const { tools, missing } = installedTools(options.peers?.split(','));
  const sets = dataSets().filter(({ name }) => options.sets === undefined || options.sets.split(',').includes(name));
  const runs = Number(options.runs ?? (options.quick ? 1 : 3));
  console.log(`measuring ${tools.map(({ version }) => version).join(', ')}; ${runs} of each`);
  using work = new WorkFolder();
  const masters = sets.map((set) => ({ set, master: makeMaster(set, work) }));
  const { rows, failures } = await measure({ tools, runs, masters, work });
  writeResult({
    date,
    runs,
    quick: options.quick,
    machine: describeMachine(),
    tools: tools.map(({ name, version, note }) => ({ name, version, note })),
    missing,
    sets: masters.map(({ set, master }) => ({
      name: set.name,
      title: set.title,
      files: set.size.files,
      bytes: folderBytes(master),
    })),
    rows,
    failures,
  });
  if (failures.some(({ tool }) => tool === 'keephold')) process.exitCode = 1;
}

function dataSets(): DataSet[] {
  const scale = options.quick ? 0.1 : 1;
  return [
    textFiles({ files: 20_000 * scale, bytes: 200e6 * scale }),
    mediaFiles(300e6 * scale),
    databaseFile(150e6 * scale),
  ];
}

function makeMaster(set: DataSet, work: WorkFolder): string {
  const master = work.fresh(`data-${set.name}`);
  set.make(master);
  return master;
}

interface Measuring {
  readonly tools: readonly BackupTool[];
  readonly runs: number;
  readonly masters: readonly { readonly set: DataSet; readonly master: string }[];
  readonly work: WorkFolder;
}

/** Runs are outermost and tools take turns in going first, so that a machine that slows down slows all of them. */
async function measure({ tools, runs, masters, work }: Measuring): Promise<{ rows: Row[]; failures: Failure[] }> {
  const rows: Row[] = [];
  const failures: Failure[] = [];
  for (let run = 0; run < runs; run++) {
    const first = run % tools.length;
    const order = [...tools.slice(first), ...tools.slice(0, first)];
    for (const { set, master } of masters) {
      for (const tool of order) {
        try {
          await runCycle({ tool, set, run, work, master, onRow: (row) => rows.push(row) });
          tell(rows, { tool, set, run });
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          console.error(`${tool.name}, ${set.name}: ${message}`);
          failures.push({ tool: tool.name, set: set.name, run, message });
        }
      }
    }
  }
  return { rows, failures };
}

function tell(rows: readonly Row[], { tool, set, run }: { tool: BackupTool; set: DataSet; run: number }): void {
  const own = rows.filter((row) => row.tool === tool.name && row.set === set.name && row.run === run);
  const steps = new Map(own.map((row) => [row.step, round(row.seconds)]));
  console.log(
    `${run + 1} ${set.name} ${tool.name}: ${[...steps].map(([step, seconds]) => `${step} ${seconds}`).join(', ')}`,
  );
}

function writeResult(result: Result): void {
  const plot = toPlot(result);
  const markdown = toMarkdown(result, plot === undefined ? undefined : `${baseName(result)}.svg`);
  const json = `${JSON.stringify(result, null, 1)}\n`;
  const files = writeResultFiles(result, { md: markdown, json, ...(plot === undefined ? {} : { svg: plot }) });
  console.log(`\n${markdown}\n${files}`);
}
