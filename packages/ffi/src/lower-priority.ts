/** Gives a process the lowest priority there is without a right: it computes and reads where nobody else wants to. */
import { constants, setPriority } from 'node:os';
import { syscallNumbers } from './libc-constants.ts';
import { nativeLibrary } from './process.ts';

const PRIO_PGRP = 1;
const IOPRIO_WHO_PGRP = 2;
/** Class 3, idle: served when no other process waits for the disk (ioprio_set(2)). */
const IDLE_CLASS = 3 << 13;

/**
 * Of a process that leads a group of its own, with all its threads and what it starts. On Linux the group is named, since
 * there a priority belongs to a thread, and threads that run already would keep theirs.
 */
export function lowerPriority(leader: number): void {
  const library = process.platform === 'linux' ? nativeLibrary() : undefined;
  const number = syscallNumbers[process.arch]?.ioprioSet;
  library?.func('int setpriority(int, unsigned int, int)')?.(PRIO_PGRP, leader, constants.priority.PRIORITY_LOW);
  if (number !== undefined)
    library?.func('int64_t syscall(int64_t, int, int, int)')?.(number, IOPRIO_WHO_PGRP, leader, IDLE_CLASS);
  if (library !== undefined) return;
  try {
    setPriority(leader, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended.
  }
}
