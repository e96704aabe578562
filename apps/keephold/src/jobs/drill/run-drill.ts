/** Puts a drill together: the sample, the folder it goes to, the time it may take. */
import { type DrillRun, drilledBefore } from '@keephold/drill';
import type { Snapshot } from '@keephold/engine';
import type { ReadAccess } from '../../access/open-for-reading.ts';
import type { Context } from '../../context.ts';
import { ProgressLine } from '../../terminal/progress-line.ts';
import { BATCH_BYTES, batchesOf, bytesOf } from './batches.ts';
import { type ChosenSample, chooseSample } from './choose-sample.ts';
import { FileComparer } from './compare-file.ts';
import { drillBatch } from './drill-batch.ts';
import { DrillReport } from './drill-report.ts';
import { OpenerProcess } from './opener-process.ts';
import { scratchFolder } from './scratch-folder.ts';

export interface DrillRequest {
  readonly snapshots: readonly Snapshot[];
  readonly seed: number;
  /** Bytes to restore at most. */
  readonly size: number;
  /** Milliseconds. */
  readonly time: number;
  readonly earlier: readonly DrillRun[];
  /** Told of each file in turn. */
  readonly onFile: (file: DrillReport['problems'][number]) => void;
}

/** What one drill restores: each file costs a look at its pack, however small it is. */
const MAX_FILES = 1000;

/** Ends early, with what was done, when the signal of the context aborts. Throws RestoreError and CommandError `no-room`. */
export async function runDrill(context: Context, access: ReadAccess, request: DrillRequest): Promise<DrillReport> {
  const started = performance.now();
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(request.time)]);
  const report = new DrillReport(request);
  const timeLeft = (): number => request.time - (performance.now() - started);
  try {
    const sample = await draw(context, access, request);
    report.begin(sample);
    if (sample.files.length > 0) await drillSample(context, access, { ...request, sample, report, signal, timeLeft });
  } catch (error) {
    // What was aborted on the way out is told as such.
    if (!signal.aborted) throw error;
  }
  report.finish({ interrupted: context.signal.aborted, tookMs: performance.now() - started });
  return report;
}

async function draw(
  { out, signal }: Context,
  { repository }: ReadAccess,
  request: DrillRequest,
): Promise<ChosenSample> {
  const progress = new ProgressLine(out, 'drawing');
  try {
    return await chooseSample({
      repository,
      snapshots: request.snapshots,
      seed: request.seed,
      budget: { bytes: request.size, files: MAX_FILES },
      wasDrilled: drilledBefore(request.earlier, request.seed),
      signal,
      onFile: (currentPath, met) => progress.update({ ...met, currentPath }),
    });
  } finally {
    progress.end();
  }
}

interface Drilling extends Pick<DrillRequest, 'onFile'> {
  readonly sample: ChosenSample;
  readonly report: DrillReport;
  readonly signal: AbortSignal;
  readonly timeLeft: () => number;
}

async function drillSample(context: Context, { repository }: ReadAccess, drilling: Drilling): Promise<void> {
  const { sample, report, signal, timeLeft, onFile } = drilling;
  const progress = new ProgressLine(context.out, 'drilling');
  const total = { totalFiles: sample.files.length, totalBytes: bytesOf(sample.files) };
  let restored = 0;
  const show = (currentPath: Uint8Array): void => {
    const { files, bytes } = report.done;
    // Bringing a file back is half of the work, looking at it the other.
    progress.update({ files, bytes: (restored + bytes) / 2, ...total, currentPath, errors: report.problems.length });
  };
  try {
    using scratch = scratchFolder(context.environment, scratchBytes(sample));
    using opener = new OpenerProcess();
    const tools = { repository, comparer: new FileComparer(repository), opener, signal, timeLeft };
    for (const files of batchesOf(sample.files)) {
      if (signal.aborted) return;
      await drillBatch(tools, {
        files,
        folder: scratch.path,
        onRestored: (timing) => report.addTiming(timing),
        onItem: ({ path, bytes }) => {
          restored += bytes;
          show(path);
        },
        onFile: (file) => {
          report.addFile(file);
          onFile(file);
          show(file.path);
        },
      });
    }
  } finally {
    progress.end();
  }
}

function scratchBytes({ files }: ChosenSample): number {
  const largest = files.reduce((most, { size }) => Math.max(most, size), 0);
  return Math.max(largest, Math.min(bytesOf(files), BATCH_BYTES + largest));
}
