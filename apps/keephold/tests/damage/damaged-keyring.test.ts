/** A device that opens its repository without a password still finds out that no other device could. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

it('is found by check when the password is given', async () => {
  expect((await home.run(['init', '--trusted', '--json'])).code).toBe(0);
  expect((await home.run(['backup', home.data, '--json'])).code).toBe(0);
  const sound = await home.run(['check']);
  expect([sound.code, sound.stderr]).toEqual([0, '']);
  const folder = join(home.repository, 'account/keyring');
  const path = join(folder, readdirSync(folder)[0]!);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  const ran = await home.run(['check']);
  expect(ran.code).toBe(13);
  expect(ran.stderr).toContain('keyring');
  expect(ran.stderr).toContain('no other device can be given access');
});
