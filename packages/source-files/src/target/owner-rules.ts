/** Which owner an entry should have here, and whether this restore may give it. */
import type { RestoredMetadata } from '@keephold/engine';
import type { OwnerNames } from '../owner-names.ts';

export interface WantedOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface OwnerRulesOptions {
  readonly privileged: boolean;
  /** Take the numbers of the snapshot even where its names have other numbers here. */
  readonly numericIds: boolean;
  readonly names: OwnerNames;
  /** Groups this process is in, which it may give to its own files. */
  readonly ownGroups: ReadonlySet<number>;
}

// The largest value means "leave it" to the kernel.
const MAX_ID = 0xffff_fffe;

export class OwnerRules {
  readonly #options: OwnerRulesOptions;
  // Most files follow one of few owners: the last answer saves looking names up again.
  #lastUser: { readonly uid: number; readonly name: Uint8Array | undefined; readonly id: number } | undefined;
  #lastGroup: { readonly gid: number; readonly name: Uint8Array | undefined; readonly id: number } | undefined;

  constructor(options: OwnerRulesOptions) {
    this.#options = options;
  }

  /** Names win over numbers, unless nobody here has the name or numbers were asked for. */
  wanted(metadata: Pick<RestoredMetadata, 'uid' | 'gid' | 'user' | 'group'>): WantedOwner {
    return { uid: this.#user(metadata.uid, metadata.user), gid: this.#group(metadata.gid, metadata.group) };
  }

  /** Why the owner may not be given; undefined when it may. */
  refusal(wanted: WantedOwner, current: WantedOwner): string | undefined {
    if (!isId(wanted.uid) || !isId(wanted.gid)) return 'no valid id';
    if (this.#options.privileged) return undefined;
    if (wanted.uid === current.uid && this.#options.ownGroups.has(wanted.gid)) return undefined;
    return 'needs the privileged option';
  }

  #user(uid: number, name: Uint8Array | undefined): number {
    if (this.#options.numericIds || name === undefined) return uid;
    const last = this.#lastUser;
    if (last?.uid === uid && sameName(last.name, name)) return last.id;
    const id = this.#options.names.userId(name) ?? uid;
    this.#lastUser = { uid, name: name.slice(), id };
    return id;
  }

  #group(gid: number, name: Uint8Array | undefined): number {
    if (this.#options.numericIds || name === undefined) return gid;
    const last = this.#lastGroup;
    if (last?.gid === gid && sameName(last.name, name)) return last.id;
    const id = this.#options.names.groupId(name) ?? gid;
    this.#lastGroup = { gid, name: name.slice(), id };
    return id;
  }
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= MAX_ID;
}

function sameName(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
