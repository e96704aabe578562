import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Environment } from '../../environment.ts';
import { scratchFolder } from './scratch-folder.ts';

const environment = { folders: { cache: join(tmpdir(), 'keephold-no-such') } } as Pick<Environment, 'folders'>;

/** Of a process that is no more. */
const gone = spawnSync('true').pid;

test('it is gone afterwards, with everything in it', () => {
  let path: string;
  {
    using scratch = scratchFolder(environment, 1000);
    path = scratch.path;
    writeFileSync(join(path, 'file'), 'x');
  }
  expect(existsSync(path)).toBe(false);
});

test('what a killed drill left goes; what a running one uses, and what only looks like one, stays', () => {
  const left = mkdtempSync(join(tmpdir(), `keephold-drill-${gone}-`));
  mkdirSync(join(left, 'a'));
  const used = mkdtempSync(join(tmpdir(), `keephold-drill-${process.ppid}-`));
  const link = join(tmpdir(), `keephold-drill-${gone}-link`);
  symlinkSync(used, link);
  try {
    using scratch = scratchFolder(environment, 1000);
    expect(dirname(scratch.path)).toBe(tmpdir());
    expect([left, used, link].map((path) => existsSync(path))).toEqual([false, true, true]);
  } finally {
    for (const path of [left, used, link]) rmSync(path, { recursive: true, force: true });
  }
});

test('no room is an error of its own', () => {
  expect(() => scratchFolder(environment, 1e18)).toThrow(
    expect.objectContaining({ exitCode: 11, hint: expect.stringMatching(/--size/) }),
  );
});
