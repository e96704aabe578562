import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRoot } from './make-root.ts';

it('makes what is missing, for the owner alone, and nothing where it is there', () => {
  const base = mkdtempSync(join(tmpdir(), 'keephold-root-'));
  try {
    makeRoot(join(base, 'a/b'));
    makeRoot(join(base, 'a/b'));
    expect(statSync(join(base, 'a')).mode & 0o7777).toBe(0o700);
    symlinkSync('nowhere', join(base, 'link'));
    expect(() => makeRoot(join(base, 'link'))).toThrow('EEXIST');
  } finally {
    rmSync(base, { recursive: true });
  }
});

it.skipIf(!existsSync('/proc/self'))('fails at once where there can be no such folder', () => {
  expect(() => makeRoot('/proc/none/deeper')).toThrow('ENOENT');
});
