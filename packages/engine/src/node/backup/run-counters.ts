import type { LastWalk } from '../journal/last-walk.ts';
import type { CaptureNote, SpecialCapture, UnreadableEntry } from './options.ts';

/** Why an entry is captured; gone: it is as it was, and what the repository had of it is not there any more. */
export type CaptureCause = 'new' | 'changed' | 'gone';

/** Counts and findings of a run. */
export class RunCounters {
  filesNew = 0;
  filesChanged = 0;
  filesUnchanged = 0;
  /** Unchanged as well, but stored again: the repository did not have what they hold any more. */
  filesStoredAgain = 0;
  directories = 0;
  /** Directories that were listed; the others were taken over. */
  listed = 0;
  otherEntries = 0;
  /** Bytes of files in the snapshot. */
  bytes = 0;
  /** Bytes of packs and objects written. */
  bytesWritten = 0;
  packs = 0;
  currentPath: Uint8Array | undefined;
  readonly unreadable: UnreadableEntry[] = [];
  readonly notes: CaptureNote[] = [];
  /** Files that were not read plainly, by how (format.md §6, capture note). */
  readonly captured: Record<SpecialCapture, number> = { live: 0, sqliteBackup: 0, placeholder: 0 };

  /** All of an earlier walk, when nothing changed since. */
  takeOver({ files, directories, otherEntries, bytes }: LastWalk): void {
    this.filesUnchanged = files;
    this.directories = directories;
    this.otherEntries = otherEntries;
    this.bytes = bytes;
  }

  get files(): number {
    return this.filesNew + this.filesChanged + this.filesUnchanged + this.filesStoredAgain;
  }

  /** Files that were captured. */
  get filesCaptured(): number {
    return this.filesNew + this.filesChanged + this.filesStoredAgain;
  }

  countFile(cause: CaptureCause, bytes: number): void {
    if (cause === 'new') this.filesNew++;
    else if (cause === 'changed') this.filesChanged++;
    else this.filesStoredAgain++;
    this.bytes += bytes;
  }
}
