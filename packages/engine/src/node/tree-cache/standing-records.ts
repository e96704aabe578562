/** Looks through records of directories that wait for a commit (record-format.ts): do the packs of all of it stand? */
import { CachedDirectory, type CachedEntries } from './tree-cache-reader.ts';

/** Whether what is at a place is stored, or will be with the commit that is being made. */
export type Stands = (place: number) => boolean;

/** `record`: whole, and nothing else. */
export function directoryOf(record: Uint8Array): CachedDirectory {
  const words = new Uint32Array(record.buffer, record.byteOffset, record.length / 4);
  return new CachedDirectory(words, record, 0, 0);
}

export function isStanding(record: Uint8Array, stands: Stands): boolean {
  const directory = directoryOf(record);
  if (!directory.places.every(stands)) return false;
  const entries = directory.entries();
  for (; !entries.done; entries.advance()) if (!entries.everyPlace(stands)) return false;
  return true;
}

/** Its entries whose packs stand. */
export function* standingEntries(directory: CachedDirectory, stands: Stands): Generator<CachedEntries> {
  for (const entries = directory.entries(); !entries.done; entries.advance())
    if (entries.everyPlace(stands)) yield entries;
}
