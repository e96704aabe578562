/** Lists say so when snapshots are there that cannot be read. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Home } from './_home.ts';

let home: Home;
beforeEach(() => {
  home = new Home();
  mkdirSync(home.data);
  writeFileSync(join(home.data, 'notes.txt'), 'some words');
});
afterEach(async () => {
  await home.settle();
  home[Symbol.dispose]();
});

it('does not take a repository whose snapshots are gone for an empty one', async () => {
  expect((await home.run(['init', '--trusted', '--json'])).code).toBe(0);
  const empty = await home.run(['snapshots']);
  expect([empty.code, empty.stderr]).toEqual([0, expect.stringContaining('no snapshot yet')]);
  expect((await home.run(['backup', home.data, '--json'])).code).toBe(0);
  for (const name of readdirSync(home.repository, { recursive: true, encoding: 'utf8' }))
    if (/objects\/.*[0-9a-f]{64}$/.test(name)) rmSync(join(home.repository, name));
  for (const command of [['snapshots'], ['find', 'notes'], ['stats']]) {
    const ran = await home.run(command);
    expect([command, ran.code]).toEqual([command, 13]);
    expect(ran.stderr).toContain('1 snapshot cannot be read');
    expect(ran.stderr).not.toContain('no snapshot yet');
  }
  const forget = await home.run(['forget', '--dry-run']);
  expect([forget.code, forget.stderr]).toEqual([13, expect.stringContaining('1 snapshot cannot be read: #1')]);
});

it('forgets by the rules and says that it does not know all there is', async () => {
  await home.run(['init', '--json']);
  for (const words of ['one', 'two', 'three']) {
    writeFileSync(join(home.data, 'notes.txt'), words);
    expect((await home.run(['backup', home.data, '--json'])).code).toBe(0);
  }
  const chain = readdirSync(home.repository, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('/chain/'),
  );
  const path = join(home.repository, chain.sort()[1]!);
  chmodSync(path, 0o600);
  writeFileSync(path, readFileSync(path).subarray(0, 50));
  rmSync(join(home.repository, 'ledger.sqlite'));
  const ran = await home.run(['forget', '-n']);
  expect(ran.code).toBe(13);
  expect(ran.stderr).toContain('1 commit cannot be read');
  expect(ran.stdout).toContain('#1');
  expect(ran.stdout).not.toContain('#2');
});
