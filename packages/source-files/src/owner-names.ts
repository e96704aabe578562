/**
 * Names of users and groups for numbers, and back. The account files are parsed once; who is not in them is asked of
 * the system's directory services once per id. It must never cost a call per file.
 */
import { readFileSync } from 'node:fs';
import { type AccountCalls, accountCalls } from '@keephold/ffi';

/** Names are raw bytes. An id or name nobody knows is undefined. */
export interface OwnerNames {
  userName(uid: number): Uint8Array | undefined;
  groupName(gid: number): Uint8Array | undefined;
  userId(name: Uint8Array): number | undefined;
  groupId(name: Uint8Array): number | undefined;
}

export interface OwnerNamesOptions {
  readonly passwdFile?: string;
  readonly groupFile?: string;
  /** Directory services; `undefined` for none. */
  readonly accounts?: AccountCalls | undefined;
}

/** Reads lazily: creating one costs nothing. */
export function createOwnerNames(options: OwnerNamesOptions = {}): OwnerNames {
  const accounts = 'accounts' in options ? options.accounts : accountCalls();
  const users = new AccountTable(options.passwdFile ?? '/etc/passwd', {
    name: (id) => accounts?.userName(id),
    id: (name) => accounts?.userId(name),
  });
  const groups = new AccountTable(options.groupFile ?? '/etc/group', {
    name: (id) => accounts?.groupName(id),
    id: (name) => accounts?.groupId(name),
  });
  return {
    userName: (uid) => users.name(uid),
    groupName: (gid) => groups.name(gid),
    userId: (name) => users.id(name),
    groupId: (name) => groups.id(name),
  };
}

interface AccountLookup {
  readonly name: (id: number) => Uint8Array | undefined;
  readonly id: (name: Uint8Array) => number | undefined;
}

class AccountTable {
  readonly #file: string;
  readonly #service: AccountLookup;
  // Names as latin1 text, which keeps every byte. Undefined: asked for, and nobody has it.
  #names: Map<number, Uint8Array | undefined> | undefined;
  readonly #ids = new Map<string, number | undefined>();

  constructor(file: string, service: AccountLookup) {
    this.#file = file;
    this.#service = service;
  }

  name(id: number): Uint8Array | undefined {
    const names = this.#load();
    if (names.has(id)) return names.get(id);
    const found = this.#service.name(id);
    names.set(id, found);
    return found;
  }

  id(name: Uint8Array): number | undefined {
    this.#load();
    const key = Buffer.from(name).toString('latin1');
    if (this.#ids.has(key)) return this.#ids.get(key);
    const found = name.includes(0) ? undefined : this.#service.id(name);
    this.#ids.set(key, found);
    return found;
  }

  #load(): Map<number, Uint8Array | undefined> {
    if (this.#names !== undefined) return this.#names;
    const names = new Map<number, Uint8Array | undefined>();
    for (const line of readLines(this.#file)) {
      const [name, , number] = line.split(':');
      // '+' and '-' lines include directory services; the first line of an id or name wins, as in the C library.
      if (!name || !number || !/^\d+$/.test(number) || /^[+-]/.test(name)) continue;
      const id = Number(number);
      if (!names.has(id)) names.set(id, Uint8Array.from(Buffer.from(name, 'latin1')));
      if (!this.#ids.has(name)) this.#ids.set(name, id);
    }
    this.#names = names;
    return names;
  }
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'latin1').split('\n');
  } catch {
    return [];
  }
}
