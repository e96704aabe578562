/**
 * Inode flags of restored entries (format.md §6, key 17). Those that forbid further changes wait until all else is done;
 * what cannot or must not be set comes back as a problem.
 */
import { type MetadataProblem, NodeFlag, PROTECTING_FLAGS } from '@keephold/engine';
import { errnoName, fileTypeBits } from '@keephold/ffi';
import type { EntryHandle } from './entry-handle.ts';

/** Flags their owner may set and that stand in nobody's way. */
export const FREE_FLAGS: number = NodeFlag.compressed | NodeFlag.noDump;
const names: readonly (readonly [flag: number, name: string])[] = [
  [NodeFlag.compressed, 'compressed'],
  [NodeFlag.immutable, 'immutable'],
  [NodeFlag.appendOnly, 'append only'],
  [NodeFlag.noDump, 'no dump'],
];

export class EntryFlags {
  readonly #privileged: boolean;

  constructor(privileged: boolean) {
    this.#privileged = privileged;
  }

  /** Sets the free ones; `present` are those of them that the entry has. */
  apply(
    entry: EntryHandle,
    { type, wanted, present }: { readonly type: number; readonly wanted: number; readonly present: number },
    problems: MetadataProblem[],
  ): void {
    const unknown = wanted & ~(FREE_FLAGS | PROTECTING_FLAGS);
    if (unknown !== 0) problems.push(problem(unknown, 'unknown to this version'));
    if (!hasFlags(type, wanted, problems)) return;
    if ((wanted & PROTECTING_FLAGS) !== 0 && !this.#privileged)
      problems.push(problem(wanted & PROTECTING_FLAGS, 'needs the privileged option'));
    if ((wanted & FREE_FLAGS) !== present) this.#change(entry, FREE_FLAGS, wanted, problems);
  }

  protect(
    entry: EntryHandle,
    { type, wanted }: { readonly type: number; readonly wanted: number },
    problems: MetadataProblem[],
  ): void {
    if (hasFlags(type, wanted, problems)) this.#change(entry, PROTECTING_FLAGS, wanted, problems);
  }

  #change(entry: EntryHandle, which: number, wanted: number, problems: MetadataProblem[]): void {
    const now = entry.getFlags();
    const answer = now < 0 ? now : entry.setFlags((now & ~which) | (wanted & which));
    if (answer < 0) problems.push(problem(wanted & which, errnoName(-answer)));
  }
}

/** Opening anything else could have effects of its own. */
function hasFlags(type: number, wanted: number, problems: MetadataProblem[]): boolean {
  if (type === fileTypeBits.file || type === fileTypeBits.directory) return true;
  if (wanted !== 0) problems.push(problem(wanted, 'only files and folders have such'));
  return false;
}

function problem(flags: number, reason: string): MetadataProblem {
  const known = names.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
  return { what: 'flags', reason: `${known.join(', ') || `0x${flags.toString(16)}`}: ${reason}` };
}
