/** What a program that calls the command must not miss: how it ended, and why. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Home } from './_home.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let home: Home;
beforeEach(async () => {
  home = new Home();
  mkdirSync(home.data);
  writeFileSync(join(home.data, 'notes.txt'), 'some words');
  await home.run(['init', '--trusted', '--quiet']);
});
afterEach(async () => {
  await home.settle();
  home[Symbol.dispose]();
});

it('every verb that goes on around damage ends its JSON with the error', async () => {
  expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
  for (const name of readdirSync(home.repository, { recursive: true, encoding: 'utf8' }))
    if (/objects\/.*[0-9a-f]{64}$/.test(name)) rmSync(join(home.repository, name));
  for (const args of [['snapshots'], ['find', 'notes'], ['stats'], ['check'], ['forget', '--dry-run']]) {
    const ran = await home.run([...args, '--json']);
    expect([args, ran.code, ran.records.at(-1)]).toEqual([
      args,
      13,
      expect.objectContaining({ type: 'error', code: 'damaged', exitCode: 13 }),
    ]);
  }
});

it('a backup of a folder of Keephold itself is refused, beside others it is told', async () => {
  const state = join(home.folder, 'state');
  const alone = await home.run(['backup', state, '--json']);
  expect(alone.records.at(-1)).toMatchObject({ type: 'error', code: 'usage', exitCode: 2 });
  expect(alone.stdout).toContain('Keephold itself');
  const both = await home.run(['backup', home.data, state, '--json']);
  expect([both.code, both.stdout]).toEqual([3, expect.stringContaining('Keephold itself')]);
  expect(both.records.at(-1)).toMatchObject({ type: 'summary', filesNew: 1 });
});

it('a garbled marker is told with what makes it again', async () => {
  const path = join(home.repository, 'keephold.format');
  mkdirSync(join(home.repository, 'vaults'), { recursive: true });
  for (const change of [
    () => writeFileSync(path, 'garbled'),
    () => writeFileSync(join(home.repository, 'vaults/left'), 'a'),
  ]) {
    rmSync(path, { force: true });
    change();
    const ran = await home.run(['snapshots', '--json']);
    const { hint, ...error } = ran.records.at(-1) ?? {};
    expect(error).toMatchObject({ type: 'error', code: 'damaged', exitCode: 13 });
    expect(hint).toContain('keephold repair');
    expect(hint).not.toContain('check');
  }
});

it('only verbs that can read an older copy offer it, and the others refuse it', async () => {
  for (const [verb, offers] of [
    ['restore', true],
    ['drill', true],
    ['backup', false],
    ['init', false],
    ['repair', false],
  ] as const) {
    const { stdout } = await home.run([verb, '--help']);
    expect([verb, stdout.includes('--older-copy')]).toEqual([verb, offers]);
  }
  const ran = await home.run(['repair', '--older-copy', '--json']);
  expect(ran.records.at(-1)).toMatchObject({ type: 'error', code: 'usage', exitCode: 2 });
});
