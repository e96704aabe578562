/**
 * Streams one file in order. Small files are read here; of larger ones, workers read, open and verify runs of parts
 * ahead, bounded by the areas, and this thread hands them out in order straight from the shared memory. Nothing that
 * was not verified is ever handed out.
 */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { EngineError } from '../../errors.ts';
import { missingContent } from '../../missing-content.ts';
import { type ContentPart, NodeType, type TreeNode } from '../../node-fields.ts';
import { BlobKind } from '../../pack-contents.ts';
import { type Holes, partsInHoles } from '../../reading/holes.ts';
import { IdTable } from '../../reading/id-table.ts';
import type { Repository, SnapshotRoot } from '../../reading/repository.ts';
import { fetchFrames } from '../restore/pack-reading/fetch-pack.ts';
import { ReadPool } from '../restore/pack-reading/read-pool.ts';
import { type ReadableRepository, refsetOrAny } from '../restore/readable-repository.ts';
import { type ContentRun, contentRuns, runRequest } from './content-run.ts';

export interface CatOptions {
  readonly repository: ReadableRepository & Pick<Repository, 'readFile'>;
  readonly snapshot: SnapshotRoot;
  /** Path in the snapshot, components joined by '/'. */
  readonly path: Uint8Array;
  /** Takes the next bytes: a view of memory that is used again once it returns or resolves. */
  readonly write: (bytes: Uint8Array) => void | Promise<void>;
  /** Starts a thread whose entry calls runReadWorker. */
  readonly spawnWorker: () => Worker;
  /** Threads; one a processor without it. */
  readonly workers?: number | undefined;
  readonly signal: AbortSignal;
  /** False: only node:crypto and node:zlib. */
  readonly native?: boolean | undefined;
}

/** Up to here threads cost more than they save. */
const SMALL_FILE_BYTES: number = 24 * 1024 * 1024;
/** Parts that are located together. */
const PARTS_AT_ONCE = 65_536;

/**
 * @throws EngineError 'not-found', or 'refused' for what is no file or was not captured; DamagedError or
 * MissingDataError at the first part that cannot be had from anywhere; the signal's reason when it is aborted
 */
export async function cat(options: CatOptions): Promise<void> {
  const { repository, snapshot, path, signal, write } = options;
  const node = await repository.nodeAt(snapshot, path);
  if (node.type !== NodeType.file) throw new EngineError('refused', 'read file: what has this path is no regular file');
  const missing = missingContent(node);
  if (missing !== undefined) throw new EngineError('refused', `read file: ${missing}`);
  if ((node.size ?? 0) > SMALL_FILE_BYTES) {
    await catLarge(options, node);
    return;
  }
  for await (const bytes of repository.readFile(node, snapshot)) {
    signal.throwIfAborted();
    await write(bytes);
  }
}

async function catLarge(options: CatOptions, node: TreeNode): Promise<void> {
  const { repository, workers = availableParallelism() } = options;
  const ahead = workers + 1;
  // A run needs an area for its pages and one for its content.
  const pool = new ReadPool({ ...options, workers, target: undefined, areas: 2 * ahead, idKey: repository.idKey });
  const stream = new ContentStream(options, pool, ahead);
  try {
    for await (const parts of partGroups(repository.contentParts(node))) await stream.add(parts, node.holes);
    await stream.finish();
  } finally {
    await pool.close();
  }
}

async function* partGroups(groups: AsyncIterable<readonly ContentPart[]>): AsyncGenerator<ContentPart[]> {
  let parts: ContentPart[] = [];
  for await (const group of groups) {
    parts.push(...group);
    if (parts.length < PARTS_AT_ONCE) continue;
    yield parts;
    parts = [];
  }
  yield parts;
}

interface RunningRun {
  readonly run: ContentRun;
  /** Area with its content, once that is verified. */
  readonly content: Promise<number>;
}

/** Runs on their way, in order; never more than `ahead`. */
class ContentStream {
  readonly #options: CatOptions;
  readonly #pool: ReadPool;
  readonly #ahead: number;
  readonly #running: RunningRun[] = [];
  /** In the file, of the parts to come. */
  #offset = 0;

  constructor(options: CatOptions, pool: ReadPool, ahead: number) {
    this.#options = options;
    this.#pool = pool;
    this.#ahead = ahead;
  }

  /** The next parts of the file; where all of one lies in a hole, there is nothing to be read for it. */
  async add(parts: readonly ContentPart[], holes: Holes | undefined): Promise<void> {
    const { repository, snapshot } = this.#options;
    const isHole = partsInHoles(parts, holes, this.#offset);
    const wanted = new IdTable();
    for (const [i, { blob, length }] of parts.entries()) {
      if (!isHole(i)) wanted.add(blob);
      this.#offset += length;
    }
    const locations = await repository.locate(wanted, await refsetOrAny(repository, snapshot));
    for (const run of contentRuns(parts, locations, isHole)) {
      if (this.#running.length >= this.#ahead) await this.#writeNext();
      const content = this.#read(run);
      // Its failure is seen when its turn comes.
      content.catch(() => undefined);
      this.#running.push({ run, content });
    }
  }

  async finish(): Promise<void> {
    while (this.#running.length > 0) await this.#writeNext();
  }

  async #writeNext(): Promise<void> {
    const { run, content } = this.#running.shift()!;
    const area = await content;
    this.#options.signal.throwIfAborted();
    await this.#options.write(this.#pool.area(area).subarray(0, run.bytes));
    this.#pool.releaseArea(area);
  }

  /** Answers the area that holds the run's verified content. */
  async #read(run: ContentRun): Promise<number> {
    const into = await this.#pool.takeArea();
    if (run.isHole) {
      this.#pool.area(into).fill(0, 0, run.bytes);
      return into;
    }
    const bad = run.pack === undefined ? new Set(run.parts.keys()) : await this.#readPack(run, run.pack, into);
    let at = 0;
    for (const [i, { blob, length }] of run.parts.entries()) {
      // Rare: looks in every place there is, and says what is wrong when none helps.
      if (bad.has(i)) this.#pool.area(into).set(await this.#readElsewhere(blob, length), at);
      at += length;
    }
    return into;
  }

  /** Answers the parts that are damaged there. */
  async #readPack(run: ContentRun, pack: NonNullable<ContentRun['pack']>, into: number): Promise<Set<number>> {
    const { repository } = this.#options;
    const { request, partsOf } = runRequest(run);
    const area = await this.#pool.takeArea();
    try {
      const key = await repository.packKeyOf(pack);
      if ((await fetchFrames(repository, pack, this.#pool.area(area), request.frames)) === undefined)
        return new Set(run.parts.keys());
      const { bad } = await this.#pool.run({
        kind: 'collect',
        pack: { area, pageCount: pack.pageCount, key },
        request,
        into,
      });
      return new Set(bad.flatMap((row) => partsOf[row]!));
    } finally {
      this.#pool.releaseArea(area);
    }
  }

  async #readElsewhere(blob: ContentPart['blob'], length: number): Promise<Uint8Array> {
    const bytes = await this.#options.repository.readBlob(blob, BlobKind.data);
    if (bytes.length !== length)
      throw new EngineError('damaged', `read file: a blob has ${bytes.length} bytes, its tree says ${length}`);
    return bytes;
  }
}
