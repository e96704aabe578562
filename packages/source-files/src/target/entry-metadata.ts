/**
 * Sets owner, extended attributes, mode and times of an entry, in the order in which none undoes another: a change of
 * owner clears set-id bits and file capabilities, an ACL changes the mode, everything changes the time. What cannot or
 * must not be set comes back as a problem and is never dropped silently.
 */
import type { MetadataProblem, RestoredMetadata } from '@keephold/engine';
import { checked, errnoName, fileTypeBits, StatBuffer, TimesBuffer } from '@keephold/ffi';
import { EntryFlags, FREE_FLAGS } from './entry-flags.ts';
import type { EntryHandle } from './entry-handle.ts';
import { EntryXattrs } from './entry-xattrs.ts';
import type { OwnerRules, WantedOwner } from './owner-rules.ts';

/** What a fresh entry gets from its directory and file system; the same for all files of one directory. */
export interface NewEntryDefaults {
  readonly uid: number;
  readonly gid: number;
  /** Names (latin1) of attributes it is born with, such as an inherited ACL. */
  readonly xattrs: readonly string[];
  /** Inode flags it is born with, of those that are kept. */
  readonly flags: number;
  /** Whether the file system keeps nanoseconds; undefined until one was set. */
  timesExact: boolean | undefined;
}

const SET_ID_BITS = 0o6000;
const SET_USER_ID = 0o4000;
const SET_GROUP_ID = 0o2000;

// Outside these seconds file systems clamp what they are told (ext4: 1901 to 2446).
const SAFE_TIMES = { first: -(2n ** 31n) * 1_000_000_000n, last: 2n ** 32n * 1_000_000_000n };

export interface EntryMetadataOptions {
  readonly privileged: boolean;
  readonly owners: OwnerRules;
}

export class EntryMetadata {
  readonly #privileged: boolean;
  readonly #owners: OwnerRules;
  readonly #xattrs: EntryXattrs;
  readonly #flags: EntryFlags;
  readonly #stat = new StatBuffer();
  readonly #times = new TimesBuffer();

  constructor(options: EntryMetadataOptions) {
    this.#privileged = options.privileged;
    this.#owners = options.owners;
    this.#xattrs = new EntryXattrs(options.privileged);
    this.#flags = new EntryFlags(options.privileged);
  }

  /** Of an entry that is there; its type decides what applies. */
  applyToExisting(entry: EntryHandle, metadata: RestoredMetadata): readonly MetadataProblem[] {
    checked(entry.stat(this.#stat), 'statx');
    const type = this.#stat.mode & fileTypeBits.mask;
    const mode = this.#stat.mode & 0o7777;
    const born = this.#defaultsOf(entry);
    // Attributes of a user can be changed by those who may write; the mode is set again below.
    const touchesXattrs = born.xattrs.length > 0 || (metadata.xattrs ?? []).length > 0;
    if (touchesXattrs && type !== fileTypeBits.symlink && (mode & 0o600) !== 0o600) entry.chmod(mode | 0o600);
    return this.#apply(entry, type, metadata, born);
  }

  /** Of a file just made and written. `known` is what the last one in its directory got. */
  applyToNewFile(
    entry: EntryHandle,
    metadata: RestoredMetadata,
    known: NewEntryDefaults | undefined,
  ): { readonly problems: readonly MetadataProblem[]; readonly defaults: NewEntryDefaults } {
    if (known === undefined) checked(entry.stat(this.#stat), 'fstat');
    const defaults = known ?? this.#defaultsOf(entry);
    return { problems: this.#apply(entry, fileTypeBits.file, metadata, defaults), defaults };
  }

  /** Whether it has anything that `applyToExisting` takes away when it is not wanted. */
  hasAttributes(entry: EntryHandle): boolean {
    if (this.#xattrs.hasOurs(entry)) return true;
    checked(entry.stat(this.#stat), 'statx');
    return (this.#stat.attributes & FREE_FLAGS) !== 0;
  }

  /** Sets the flags after which nothing can be changed. */
  protect(entry: EntryHandle, flags: number): readonly MetadataProblem[] {
    checked(entry.stat(this.#stat), 'statx');
    const problems: MetadataProblem[] = [];
    this.#flags.protect(entry, { type: this.#stat.mode & fileTypeBits.mask, wanted: flags }, problems);
    return problems;
  }

  /** After `stat` was filled. */
  #defaultsOf(entry: EntryHandle): NewEntryDefaults {
    const { uid, gid, attributes } = this.#stat;
    return { uid, gid, xattrs: this.#xattrs.names(entry), flags: attributes & FREE_FLAGS, timesExact: undefined };
  }

  #apply(
    entry: EntryHandle,
    type: number,
    metadata: RestoredMetadata,
    born: NewEntryDefaults,
  ): readonly MetadataProblem[] {
    const problems: MetadataProblem[] = [];
    const wanted = this.#owners.wanted(metadata);
    const got = this.#setOwner(entry, wanted, born, problems);
    const xattrs = metadata.xattrs ?? [];
    if (xattrs.length > 0 || born.xattrs.length > 0) this.#xattrs.apply(entry, xattrs, born.xattrs, problems);
    if (type !== fileTypeBits.symlink) this.#setMode(entry, type, metadata.mode, { wanted, got }, problems);
    const flags = metadata.flags ?? 0;
    if (flags !== born.flags) this.#flags.apply(entry, { type, wanted: flags, present: born.flags }, problems);
    this.#setTimes(entry, metadata.mtime, born, problems);
    return problems;
  }

  #setOwner(entry: EntryHandle, wanted: WantedOwner, born: NewEntryDefaults, problems: MetadataProblem[]): WantedOwner {
    if (wanted.uid === born.uid && wanted.gid === born.gid) return wanted;
    const got = { uid: born.uid, gid: born.gid };
    let reason = this.#owners.refusal(wanted, born);
    if (reason === undefined) {
      const result = entry.chown(wanted.uid, wanted.gid);
      if (result >= 0) return wanted;
      reason = errnoName(-result);
    }
    problems.push({
      what: 'owner',
      reason: `is ${got.uid}:${got.gid} instead of ${wanted.uid}:${wanted.gid} (${reason})`,
    });
    return got;
  }

  #setMode(
    entry: EntryHandle,
    type: number,
    mode: number,
    owner: { readonly wanted: WantedOwner; readonly got: WantedOwner },
    problems: MetadataProblem[],
  ): void {
    const allowed = mode & 0o7777 & ~this.#refusedBits(type, mode, owner);
    if (allowed !== (mode & 0o7777)) {
      const why = this.#privileged ? 'the owner could not be set' : 'needs the privileged option';
      problems.push({ what: 'set-id', reason: `mode is ${octal(allowed)} instead of ${octal(mode)} (${why})` });
    }
    const result = entry.chmod(allowed);
    if (result < 0) {
      problems.push({ what: 'mode', reason: `${octal(allowed)}: ${errnoName(-result)}` });
      return;
    }
    if ((allowed & SET_ID_BITS) === 0) return;
    // The kernel drops set-group-id without an error when the caller is not in the group.
    entry.stat(this.#stat);
    const now = this.#stat.mode & 0o7777;
    if (now !== allowed)
      problems.push({ what: 'set-id', reason: `mode is ${octal(now)} instead of ${octal(allowed)}` });
  }

  /** A set-id bit with another owner than the one it was meant for would lend that one's rights. */
  #refusedBits(
    type: number,
    mode: number,
    { wanted, got }: { readonly wanted: WantedOwner; readonly got: WantedOwner },
  ): number {
    if ((mode & SET_ID_BITS) === 0) return 0;
    // On a directory set-group-id only hands its group to what is made in it.
    const groupAllowed = type === fileTypeBits.directory || this.#privileged;
    const user = this.#privileged && got.uid === wanted.uid ? 0 : SET_USER_ID;
    const group = groupAllowed && got.gid === wanted.gid ? 0 : SET_GROUP_ID;
    return user | group;
  }

  #setTimes(entry: EntryHandle, mtime: bigint, born: NewEntryDefaults, problems: MetadataProblem[]): void {
    this.#times.setModified(mtime);
    const result = entry.setTimes(this.#times.bytes);
    if (result < 0) {
      problems.push({ what: 'times', reason: errnoName(-result) });
      return;
    }
    if (born.timesExact === true && mtime >= SAFE_TIMES.first && mtime < SAFE_TIMES.last) return;
    entry.stat(this.#stat);
    const exact = this.#stat.mtime === mtime;
    if (!exact) problems.push({ what: 'times', reason: `mtime is ${this.#stat.mtime} instead of ${mtime} ns` });
    // Only a time with odd nanoseconds proves anything about the next ones.
    if (born.timesExact === undefined && (!exact || mtime % 10n !== 0n)) born.timesExact = exact;
  }
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
