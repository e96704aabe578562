/** The built command on a machine whose Node is too old, or that has none. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-old-node-'));
  for (const name of ['bin', 'dist', 'path']) mkdirSync(join(folder, name));
  copyFileSync(join(import.meta.dirname, '../bin/keephold'), join(folder, 'bin/keephold'));
  writeFileSync(join(folder, 'dist/keephold.js'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(): { readonly status: number | null; readonly said: string } {
  const { status, stderr, stdout } = spawnSync('/bin/sh', [join(folder, 'bin/keephold')], {
    env: { PATH: `${join(folder, 'path')}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return { status, said: stderr + stdout };
}

/** A Node of this version, which says so and does nothing else but echo that it was run. */
function nodeOf(version: string): void {
  const node = join(folder, 'path/node');
  writeFileSync(node, `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo ran\n`);
  chmodSync(node, 0o755);
}

it.each(['v20.20.2', 'v9.11.2', 'v22.12.0'])('says what it needs where Node is %s', (version) => {
  nodeOf(version);
  expect(run()).toEqual({
    status: 1,
    said: `keephold needs Node 24 or newer and finds ${version}: install one, or run npm ci in the project\n`,
  });
});

it.each(['v24.0.0', 'v26.3.1', 'v30.0.0'])('runs with the %s it finds', (version) => {
  nodeOf(version);
  expect(run()).toEqual({ status: 0, said: 'ran\n' });
});
