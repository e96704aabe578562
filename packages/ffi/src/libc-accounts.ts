/**
 * Users and groups as the system knows them (files, LDAP, systemd), through getpwuid_r and its relatives. It must never
 * be asked once per file: a directory service may take a network round trip.
 */
import { type CString, cString } from './libc-strings.ts';
import { type NativeFunction, nativeLibrary } from './process.ts';

export interface AccountCalls {
  /** Name of a user or group; undefined when there is none. */
  userName(uid: number): Uint8Array | undefined;
  groupName(gid: number): Uint8Array | undefined;
  /** Number of a user or group; undefined when there is none. */
  userId(name: Uint8Array): number | undefined;
  groupId(name: Uint8Array): number | undefined;
}

// One allocation: struct at 0, result pointer at 64, strings from 128. As the result is the address of the struct, the
// name's place follows from the difference of the two pointers.
const RESULT_AT = 64;
const STRINGS_AT = 128;
const FIRST_SIZE = 4096;
const MAX_SIZE = 1 << 20;
const ERANGE = 34;

/** Undefined where the C library cannot be called. Names come first and ids at 16 in both structures, on all platforms. */
export function accountCalls(): AccountCalls | undefined {
  if (process.platform === 'win32') return undefined;
  const library = nativeLibrary();
  const byId = '(unsigned int, void*, void*, uint64_t, void*)';
  const byName = '(const void*, void*, void*, uint64_t, void*)';
  const getpwuid = library?.func(`int getpwuid_r${byId}`);
  const getgrgid = library?.func(`int getgrgid_r${byId}`);
  const getpwnam = library?.func(`int getpwnam_r${byName}`);
  const getgrnam = library?.func(`int getgrnam_r${byName}`);
  if (!getpwuid || !getgrgid || !getpwnam || !getgrnam) return undefined;
  return {
    userName: (uid) => nameIn(ask(getpwuid, uid)),
    groupName: (gid) => nameIn(ask(getgrgid, gid)),
    userId: (name) => idIn(ask(getpwnam, cString(name))),
    groupId: (name) => idIn(ask(getgrnam, cString(name))),
  };
}

function ask(call: NativeFunction, key: number | CString): Uint8Array | undefined {
  for (let size = FIRST_SIZE; size <= MAX_SIZE; size *= 4) {
    const bytes = new Uint8Array(STRINGS_AT + size);
    const status = call(key, bytes, bytes.subarray(STRINGS_AT), size, bytes.subarray(RESULT_AT, RESULT_AT + 8));
    if (status === ERANGE) continue;
    return status === 0 && pointerAt(bytes, RESULT_AT) !== 0n ? bytes : undefined;
  }
  return undefined;
}

function nameIn(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes === undefined) return undefined;
  const start = Number(pointerAt(bytes, 0) - pointerAt(bytes, RESULT_AT));
  if (start < STRINGS_AT || start >= bytes.length) return undefined;
  return bytes.slice(start, bytes.indexOf(0, start));
}

function idIn(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined ? undefined : new DataView(bytes.buffer).getUint32(16, true);
}

function pointerAt(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer).getBigUint64(offset, true);
}
