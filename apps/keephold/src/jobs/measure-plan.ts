/**
 * How much a plan would back up, and how much it leaves out by which rule: a look at names and sizes, nothing is read.
 * Hard links count as often as they are named.
 */
import { type BigIntStats, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { InterruptedError } from '../errors.ts';
import type { Plan } from '../plans/plan.ts';
import { createFileFilter } from './file-filter.ts';
import { ownFoldersOf, realRoot, rootBytes } from './named-roots.ts';

export interface Amount {
  files: number;
  bytes: number;
}

export interface PlanMeasure {
  readonly total: Amount;
  /** By what lies in the folders of the plan: raw bytes of the name as latin1. */
  readonly kept: ReadonlyMap<string, Amount>;
  /** By the reason why. */
  readonly left: ReadonlyMap<string, Amount>;
  /** Folders that cannot be listed. */
  readonly unreadable: number;
}

interface Measuring {
  readonly signal: AbortSignal;
  readonly onProgress: (total: Amount) => void;
}

/** A folder to look into, and what its entries count for. */
interface Place {
  readonly path: Buffer;
  readonly counts: readonly Amount[];
  /** Whether it is left out already, with all in it. */
  readonly isLeft: boolean;
  /** Of a folder of the plan: each entry counts for itself. */
  readonly isTop: boolean;
}

/** Folders between two looks at the signal. */
const PER_BREATH = 200;

/** @throws InterruptedError; CommandError when a folder is not there */
export async function measurePlan(
  { environment, globals }: Pick<Context, 'environment' | 'globals'>,
  plan: Plan,
  { signal, onProgress }: Measuring,
): Promise<PlanMeasure> {
  const named = plan.folders.map(realRoot);
  const roots = named.map(rootBytes);
  const own = ownFoldersOf({ environment, globals: { ...globals, repo: plan.repository } }, { named, roots });
  const config = { rules: plan.excludes, files: [], cachedirTag: true, nobackup: true, roots: named };
  const filter = createFileFilter(config, { roots, own });
  const total: Amount = { files: 0, bytes: 0 };
  const [kept, left] = [new Map<string, Amount>(), new Map<string, Amount>()];
  let [unreadable, looked] = [0, 0];
  const places: Place[] = roots.map((root) => ({
    path: Buffer.from(root),
    counts: [total],
    isLeft: false,
    isTop: true,
  }));
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (++looked % PER_BREATH === 0) {
      await breathe();
      if (signal.aborted) throw new InterruptedError();
      onProgress(total);
    }
    const { path } = place;
    const entries = entriesOf(path);
    if (entries === undefined) {
      unreadable++;
      continue;
    }
    const names = entries.map(({ name }) => name.toString('latin1'));
    const marked = place.isLeft ? undefined : filter.excludedContents(path, names);
    for (const [i, entry] of entries.entries()) {
      const name = names[i]!;
      const isFolder = entry.isDirectory();
      const isMarked = marked !== undefined && name !== marked.keep;
      const reason = place.isLeft
        ? undefined
        : ((isMarked ? marked.reason : undefined) ?? filter.excludedEntry?.(path, name, isFolder));
      const mine = place.isTop && reason === undefined ? [amount(kept, name)] : [];
      const counts = reason === undefined ? [...place.counts, ...mine] : [amount(left, reason)];
      const below = Buffer.concat([path, Buffer.from('/'), entry.name]);
      if (isFolder) places.push({ path: below, counts, isLeft: place.isLeft || reason !== undefined, isTop: false });
      else count(counts, below, entry);
    }
  }
  return { total, kept, left, unreadable };
}

function amount(amounts: Map<string, Amount>, name: string): Amount {
  const found = amounts.get(name) ?? { files: 0, bytes: 0 };
  amounts.set(name, found);
  return found;
}

function count(counts: readonly Amount[], path: Buffer, entry: Dirent<Buffer>): void {
  const bytes = entry.isFile() ? Number(statOf(path)?.size ?? 0n) : 0;
  for (const one of counts) {
    one.files += 1;
    one.bytes += bytes;
  }
}

/** Undefined of what went away meanwhile. */
function statOf(path: Buffer): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function entriesOf(path: Buffer): Dirent<Buffer>[] | undefined {
  try {
    return readdirSync(path.length === 0 ? '/' : path, { withFileTypes: true, encoding: 'buffer' });
  } catch {
    return undefined;
  }
}
