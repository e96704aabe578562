/** One part of a drill: its files are restored, compared, opened, and removed. */
import { join } from 'node:path';
import { EngineError, type Repository, type Snapshot } from '@keephold/engine';
import type { RestoredItem } from '@keephold/engine/node';
import { removeTree } from '../temporary-folder.ts';
import { type DrawnFile, type FoundFile, filesOf, isCompanion } from './choose-sample.ts';
import type { FileComparer, FileComparison } from './compare-file.ts';
import { type DrilledFile, judgeFailure, judgeFile } from './drilled-file.ts';
import type { OpenAnswer, OpenerProcess } from './opener-process.ts';
import { latin1, restoreFiles } from './restore-files.ts';

export interface DrillTools {
  readonly repository: Repository;
  readonly comparer: FileComparer;
  readonly opener: OpenerProcess;
  /** Restores end at it: the time is over, or somebody interrupts. */
  readonly signal: AbortSignal;
  /** Milliseconds that are left. */
  readonly timeLeft: () => number;
}

export interface BatchRequest {
  readonly files: readonly DrawnFile[];
  readonly folder: string;
  readonly onFile: (file: DrilledFile) => void;
  /** Told of each item that a restore is done with. */
  readonly onItem: (item: RestoredItem) => void;
  readonly onRestored: (timing: RestoreTiming) => void;
}

export interface RestoreTiming {
  /** From the beginning of the restore to its first file. */
  readonly firstFileMs: number | undefined;
  readonly restoreMs: number;
  readonly bytes: number;
}

/** The longest that one file may take to open. */
const OPEN_MS = 60_000;

export async function drillBatch(tools: DrillTools, request: BatchRequest): Promise<void> {
  const bySnapshot = Map.groupBy(request.files, ({ snapshot }) => snapshot);
  for (const [snapshot, files] of bySnapshot) {
    if (tools.signal.aborted) return;
    const root = join(request.folder, String(snapshot.seq));
    try {
      await new SnapshotPart(tools, request, { snapshot, root }).run(files);
    } finally {
      removeTree(root);
    }
  }
}

interface Part {
  readonly snapshot: Snapshot;
  readonly root: string;
}

/** A file, and what is needed to open it. */
interface ComparedGroup {
  readonly file: FoundFile;
  readonly compared: FileComparison;
  readonly beside: readonly FileComparison[];
}

class SnapshotPart {
  readonly #tools: DrillTools;
  readonly #request: BatchRequest;
  readonly #part: Part;
  readonly #items = new Map<string, RestoredItem>();

  constructor(tools: DrillTools, request: BatchRequest, part: Part) {
    this.#tools = tools;
    this.#request = request;
    this.#part = part;
  }

  async run(drawn: readonly DrawnFile[]): Promise<void> {
    const groups: (readonly FoundFile[])[] = [];
    for (const file of drawn) {
      const found = await this.#find(file);
      if (found !== undefined) groups.push(found);
    }
    await this.#restore(groups.flat());
    const compared: ComparedGroup[] = [];
    for (const group of groups) {
      const one = await this.#compareGroup(group);
      if (one !== undefined) compared.push(one);
    }
    // Only now: SQLite takes the logs of what it opens away.
    for (const group of compared) await this.#openGroup(group);
  }

  /** Undefined for one whose entry cannot be read any more, which is told. */
  async #find(file: DrawnFile): Promise<readonly FoundFile[] | undefined> {
    try {
      return await filesOf(this.#tools.repository, file);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#tell(file, { outcome: 'damaged', reason: error.message });
      return undefined;
    }
  }

  async #restore(files: readonly FoundFile[]): Promise<void> {
    const { repository, signal } = this.#tools;
    const { snapshot, root } = this.#part;
    const started = performance.now();
    let firstFileMs: number | undefined;
    const report = await restoreFiles({
      repository,
      snapshot,
      paths: files.map(({ path }) => path),
      root,
      signal,
      onItem: (item) => {
        if (item.outcome === 'restored' && item.bytes > 0) firstFileMs ??= performance.now() - started;
        this.#items.set(latin1(item.path), item);
        this.#request.onItem(item);
      },
    });
    this.#request.onRestored({ firstFileMs, restoreMs: report.durationMs, bytes: report.bytes });
  }

  /** Undefined when all is said; those that the time did not suffice for are not told of. */
  async #compareGroup(group: readonly FoundFile[]): Promise<ComparedGroup | undefined> {
    const [file, ...companions] = group as [FoundFile, ...FoundFile[]];
    const failed = group.map(({ path }) => this.#items.get(latin1(path))).find((item) => item?.outcome === 'failed');
    if (failed !== undefined) {
      this.#tell(file, judgeFailure(failed));
      return undefined;
    }
    if (this.#items.get(latin1(file.path))?.outcome !== 'restored') return undefined;
    try {
      const compared = await this.#compare(file);
      const beside: FileComparison[] = [];
      for (const companion of companions) beside.push(await this.#compare(companion));
      return { file, compared, beside };
    } catch (error) {
      this.#tell(file, this.#failureOf(error));
      return undefined;
    }
  }

  async #openGroup({ file, compared, beside }: ComparedGroup): Promise<void> {
    const opening = isCompanion(file.path) ? ({ kind: 'unknown' } as const) : await this.#open(file);
    this.#tell(file, judgeFile(compared, opening, beside), { compared, opening });
  }

  async #compare(file: FoundFile): Promise<FileComparison> {
    return await this.#tools.comparer.compare(file, this.#placeOf(file), this.#tools.signal);
  }

  /** Undefined when there is no time left for it. */
  async #open(file: FoundFile): Promise<OpenAnswer | undefined> {
    const milliseconds = Math.min(OPEN_MS, this.#tools.timeLeft());
    if (milliseconds <= 0 || this.#tools.signal.aborted) return undefined;
    return await this.#tools.opener.open(this.#placeOf(file), milliseconds);
  }

  #placeOf({ path }: DrawnFile): Uint8Array {
    return Buffer.concat([Buffer.from(`${this.#part.root}/`), path]);
  }

  /** What the system refuses in the folder of the drill is no fault of the backup; anything else ends it. */
  #failureOf(error: unknown): Pick<DrilledFile, 'outcome' | 'reason'> {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof EngineError) return { outcome: 'damaged', reason: message };
    if (this.#tools.signal.aborted || typeof code !== 'string') throw error;
    return judgeFailure({ code, reason: message });
  }

  #tell(
    { snapshot, path, size }: DrawnFile,
    verdict: Pick<DrilledFile, 'outcome' | 'reason'>,
    found: Partial<Pick<DrilledFile, 'compared' | 'opening'>> = {},
  ): void {
    this.#request.onFile({ snapshot, path, size, ...verdict, compared: found.compared, opening: found.opening });
  }
}
