/** C functions of the running process, and the file and account calls of its C library. */

export { type CopyBytes, copyBytes } from './copy-bytes.ts';
export { type DeniableCall, denyCalls } from './deny-calls.ts';
export { endProcess } from './end-process.ts';
export { type Libc, libc } from './libc.ts';
export { type AccountCalls, accountCalls } from './libc-accounts.ts';
export * from './libc-constants.ts';
export { checked, type ErrnoName, errno, errnoName, SystemError } from './libc-errors.ts';
export { type CString, CStringScratch, cString } from './libc-strings.ts';
export { FileSystemBuffer, readDirectoryEntries, StatBuffer, TimesBuffer } from './libc-structs.ts';
export { readWatchEvents, type WatchCalls, watchCalls, watchMask } from './libc-watching.ts';
export { lowerPriority } from './lower-priority.ts';
export * from './process.ts';
