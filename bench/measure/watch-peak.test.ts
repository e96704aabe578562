import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { watchPeak } from './watch-peak.ts';

test.runIf(existsSync('/proc/self/status'))('sees what a child of the process touched', async () => {
  const script = 'Buffer.alloc(200e6).fill(1); setTimeout(() => {}, 300)';
  const child = spawn('sh', ['-c', `'${process.execPath}' -e '${script}'; true`], { stdio: 'ignore' });
  const peak = watchPeak(child.pid);
  await new Promise((resolve) => child.on('exit', resolve));
  expect(peak()).toBeGreaterThan(200e6);
});
