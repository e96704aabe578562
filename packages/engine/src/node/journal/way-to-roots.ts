/**
 * A digest of what stands between the root of the file system and the roots of a backup: of folders on the way what the
 * walk compares (tree-walk.ts: mode and owner, not times), of the roots themselves their whole identity. When it is the
 * same and nobody tells of changes, there is nothing to walk at all.
 */
import { createHash, type Hash } from 'node:crypto';
import { IDENTITY_WORDS, type Source, SourceError, STAT_ROW_WORDS } from '../../source.ts';
import { joinPath, type Selection } from '../backup/paths.ts';

const OWNER_AND_MODE_WORDS = 3;

/** 32 bytes. What cannot be listed has a digest, too. */
export function wayToRoots(source: Source, selection: Selection | 'all'): Uint8Array {
  const hash = createHash('sha256');
  if (selection !== 'all') addFolder(hash, source, { path: new Uint8Array(0), selection });
  return hash.digest();
}

function addFolder(
  hash: Hash,
  source: Source,
  { path, selection }: { readonly path: Uint8Array; readonly selection: Selection },
): void {
  try {
    const { names, rows, stats, failures } = source.list(path, [...selection.keys()]);
    hash.update(`${names.length} ${failures.map(({ code }) => code).join(' ')}\n`);
    for (const [i, name] of names.entries()) {
      const below = selection.get(name) ?? 'all';
      const at = rows[i]! * STAT_ROW_WORDS;
      const words = below === 'all' ? IDENTITY_WORDS : OWNER_AND_MODE_WORDS;
      hash.update(`${name}\0`, 'latin1').update(stats.slice(at, at + words));
      if (below !== 'all') addFolder(hash, source, { path: joinPath(path, name), selection: below });
    }
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause;
    hash.update(`${cause.code}\n`);
  }
}
