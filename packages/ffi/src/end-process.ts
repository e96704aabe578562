/**
 * Ends the process as `_exit` does: at once, without destructors. Koffi's waits until what standard output was redirected
 * to is on the disk, and Node's join threads that may wait for each other.
 *
 * Returns where that is not possible, and where nothing has called into C: finding `_exit` would take longer than what
 * was done. What was not written yet is lost.
 */
import { nativeLibraryInUse } from './process.ts';

export function endProcess(code: number): void {
  nativeLibraryInUse()?.func('void _exit(int)')?.(code);
}
