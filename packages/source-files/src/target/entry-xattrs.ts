/** Extended attributes of restored entries: which may be set, which are set, and which an entry must lose. */
import type { MetadataProblem, RestoredMetadata } from '@keephold/engine';
import { CStringScratch, errno, errnoName } from '@keephold/ffi';
import { printablePath } from '../printable-path.ts';
import type { EntryHandle } from './entry-handle.ts';

type RestoredXattr = NonNullable<RestoredMetadata['xattrs']>[number];

const ACCESS_ACL = 'system.posix_acl_access';
const DEFAULT_ACL = 'system.posix_acl_default';
const FIRST_BUFFER = 4096;
// XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux.
const MAX_BUFFER = 64 * 1024;

export class EntryXattrs {
  readonly #privileged: boolean;
  readonly #name = new CStringScratch();
  #buffer: Uint8Array = new Uint8Array(FIRST_BUFFER);

  constructor(privileged: boolean) {
    this.#privileged = privileged;
  }

  /** Names (latin1) the entry has now; none where the file system has no attributes. */
  names(entry: EntryHandle): readonly string[] {
    const length = this.#filled((buffer) => entry.listXattrs(buffer));
    if (length <= 0) return [];
    return Buffer.from(this.#buffer.buffer, 0, length - 1)
      .toString('latin1')
      .split('\0');
  }

  /** Whether it has any that comes from a snapshot alone. */
  hasOurs(entry: EntryHandle): boolean {
    return this.names(entry).some((name) => this.#isOurs(name));
  }

  /** Sets `wanted` and takes away what is in `present` and not in `wanted`, as far as this restore may. */
  apply(
    entry: EntryHandle,
    wanted: readonly RestoredXattr[],
    present: readonly string[],
    problems: MetadataProblem[],
  ): void {
    const kept = new Set<string>();
    for (const { name, value } of wanted) {
      const text = Buffer.from(name).toString('latin1');
      kept.add(text);
      const reason = this.#set(entry, text, { name, value });
      if (reason !== undefined) problems.push({ what: whatIs(text), reason: `${printablePath(name)}: ${reason}` });
    }
    for (const name of present) {
      if (kept.has(name) || !this.#isOurs(name)) continue;
      const result = entry.removeXattr(this.#name.put(Buffer.from(name, 'latin1')));
      if (result < 0 && result !== -errno.ENODATA) {
        problems.push({ what: whatIs(name), reason: `${name}: not removed, ${errnoName(-result)}` });
      }
    }
  }

  /** Why it could not be set; undefined when the entry has it. */
  #set(entry: EntryHandle, text: string, { name, value }: RestoredXattr): string | undefined {
    if (name.length === 0 || name.length > 255 || name.includes(0)) return 'no valid name';
    if (!this.#privileged && needsPrivilege(text)) {
      return this.#has(entry, { name, value }) ? undefined : 'needs the privileged option';
    }
    const result = entry.setXattr(this.#name.put(name), value);
    if (result >= 0 || this.#has(entry, { name, value })) return undefined;
    return errnoName(-result);
  }

  #has(entry: EntryHandle, { name, value }: RestoredXattr): boolean {
    const cName = this.#name.put(name);
    const length = this.#filled((buffer) => entry.getXattr(cName, buffer));
    if (length !== value.length) return false;
    for (let i = 0; i < length; i++) if (this.#buffer[i] !== value[i]) return false;
    return true;
  }

  /** What an entry may keep is what the system gave it (labels); user attributes and ACLs come from the snapshot alone. */
  #isOurs(name: string): boolean {
    return name.startsWith('user.') || isAcl(name) || (this.#privileged && name.startsWith('trusted.'));
  }

  #filled(fill: (buffer: Uint8Array) => number): number {
    const length = fill(this.#buffer);
    if (length !== -errno.ERANGE || this.#buffer.length === MAX_BUFFER) return length;
    this.#buffer = new Uint8Array(MAX_BUFFER);
    return fill(this.#buffer);
  }
}

function needsPrivilege(name: string): boolean {
  return name.startsWith('security.') || name.startsWith('trusted.');
}

function isAcl(name: string): boolean {
  return name === ACCESS_ACL || name === DEFAULT_ACL;
}

function whatIs(name: string): 'acl' | 'xattr' {
  return isAcl(name) ? 'acl' : 'xattr';
}
