/** What a backup with these rules leaves out below a folder, so that a comparison does not expect it back. */
import { readdirSync } from 'node:fs';
import { createExcluder, type Excluder, type ExcluderConfig, SNAPSHOTS_FOLDER } from '@keephold/source-files';
import { readCacheTag } from './file-filter.ts';

export type LeftOut = (path: Uint8Array, isDirectory: boolean) => boolean;

const slash = 0x2f;

/** Paths are relative to `folder`; so are those in `own`, of which nothing is stored. */
export function leftOutBelow(folder: string, config: ExcluderConfig, own: readonly Uint8Array[]): LeftOut {
  const excluder = createExcluder(config);
  const contents = new ExcludedFolders(folder, excluder);
  const insides = own.map((path) => (path.length === 0 ? Buffer.alloc(0) : Buffer.concat([path, Buffer.from('/')])));
  return (path, isDirectory) =>
    own.some((folder) => folder.length > 0 && Buffer.compare(folder, path) === 0) ||
    insides.some((inside) => inside.equals(path.subarray(0, inside.length))) ||
    excluder.explain(path, isDirectory) !== undefined ||
    contents.leavesOut(path) ||
    isInSnapshots(path, isDirectory);
}

/** What Keephold keeps snapshots in is in no backup. */
function isInSnapshots(path: Uint8Array, isDirectory: boolean): boolean {
  const parts = Buffer.from(path).toString('latin1').split('/');
  return parts.slice(0, isDirectory ? undefined : -1).includes(SNAPSHOTS_FOLDER);
}

interface Look {
  readonly folder: string;
  /** The one name that stays. */
  readonly keeps: Uint8Array | undefined;
  readonly excluded: boolean;
}

/** Folders whose content stays out; the answer for one folder is remembered, as its entries ask one after the other. */
class ExcludedFolders {
  readonly #root: Buffer;
  readonly #excluder: Excluder;
  #last: Look | undefined;

  constructor(root: string, excluder: Excluder) {
    this.#root = Buffer.from(root);
    this.#excluder = excluder;
  }

  leavesOut(path: Uint8Array): boolean {
    const end = path.lastIndexOf(slash);
    const folder = Buffer.from(path.subarray(0, Math.max(0, end)));
    const { excluded, keeps } = this.#look(folder);
    return excluded && (keeps === undefined || Buffer.compare(path.subarray(end + 1), keeps) !== 0);
  }

  #look(folder: Buffer): Look {
    const key = folder.toString('latin1');
    if (this.#last?.folder === key) return this.#last;
    const full = Buffer.concat([this.#root, Buffer.from('/'), folder]);
    const found = this.#excluder.excludedContents(namesIn(full), () => readCacheTag(full));
    this.#last = { folder: key, keeps: found?.keeps, excluded: found !== undefined };
    return this.#last;
  }
}

function namesIn(folder: Buffer): Uint8Array[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' });
  } catch {
    return [];
  }
}
