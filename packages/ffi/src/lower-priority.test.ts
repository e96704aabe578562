import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lowerPriority } from './lower-priority.ts';

/** Nineteenth field of stat(5), behind the name in brackets. */
function niceOf(pid: number, thread: string): number {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
}

it.skipIf(process.platform !== 'linux')('lowers every thread, and what is started later', async () => {
  const code = `process.stdin.once('data', () => {
    const { spawn } = require('node:child_process');
    console.log(spawn('sleep', ['60'], { stdio: 'ignore' }).pid); });
    console.log('here'); `;
  const child = spawn(process.execPath, ['-e', code], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid ?? 0;
  try {
    await once(child.stdout, 'data');
    lowerPriority(pid);
    child.stdin.write('go\n');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const started = Number(line.toString());
    const threads = readdirSync(`/proc/${pid}/task`);
    expect(threads.length).toBeGreaterThan(1);
    expect(new Set(threads.map((thread) => niceOf(pid, thread)))).toEqual(new Set([19]));
    expect(niceOf(started, String(started))).toBe(19);
  } finally {
    process.kill(-pid, 'SIGKILL');
  }
});
