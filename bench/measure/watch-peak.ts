/** Peak memory where GNU time is not installed: asks the kernel for the high-water mark of a process and its children. */
import { readFileSync } from 'node:fs';

const EVERY_MS = 10;

/** Starts watching; the function it returns ends that and gives the most any one process used, in bytes. */
export function watchPeak(pid: number | undefined): () => number | undefined {
  let peak = 0;
  const look = (): void => {
    for (const each of processTree(pid)) peak = Math.max(peak, highWaterMark(each));
  };
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    return peak === 0 ? undefined : peak;
  };
}

function processTree(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const children = readOrNothing(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(processTree)];
}

function highWaterMark(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB/m.exec(readOrNothing(`/proc/${pid}/status`));
  return Number(match?.[1] ?? 0) * 1024;
}

/** The process may have ended, or this is no Linux. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
