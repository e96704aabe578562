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
  const { snapshots, seed, size, time, earlier, onFile } = request;
  const started = performance.now();
  const timeout = AbortSignal.timeout(time);
  const signal = AbortSignal.any([context.signal, timeout]);
  const progress = new ProgressLine(context.out, 'drilling');
  const report = new DrillReport(request);
  try {
    const sample = await chooseSample({
      repository: access.repository,
      snapshots,
      seed,
      budget: { bytes: size, files: MAX_FILES },
      wasDrilled: drilledBefore(earlier, seed),
      signal: context.signal,
    });
    report.begin(sample);
    if (sample.files.length === 0) return report;
    using scratch = scratchFolder(context.environment, scratchBytes(sample));
    using opener = new OpenerProcess();
    const comparer = new FileComparer(access.repository);
    const timeLeft = (): number => time - (performance.now() - started);
    for (const files of batchesOf(sample.files)) {
      if (signal.aborted) break;
      await drillBatch(
        { repository: access.repository, comparer, opener, signal, timeLeft },
        {
          files,
          folder: scratch.path,
          onRestored: (timing) => report.addTiming(timing),
          onFile: (file) => {
            report.addFile(file);
            onFile(file);
            const { files: done, bytes } = report.done;
            const total = { totalFiles: sample.files.length, totalBytes: bytesOf(sample.files) };
            progress.update({ files: done, bytes, ...total, currentPath: file.path, errors: report.problems.length });
          },
        },
      );
    }
  } catch (error) {
    // What was aborted on the way out is told as such.
    if (!signal.aborted) throw error;
  } finally {
    progress.end();
  }
  report.finish({ interrupted: context.signal.aborted, tookMs: performance.now() - started });
  return report;
}

function scratchBytes({ files }: ChosenSample): number {
  const largest = files.reduce((most, { size }) => Math.max(most, size), 0);
  return Math.max(largest, Math.min(bytesOf(files), BATCH_BYTES + largest));
}
