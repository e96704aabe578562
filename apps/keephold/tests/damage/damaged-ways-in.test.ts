/** A rotten way in is told from a wrong password, and healing does not call whole what nobody new could open. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DamagedHome } from './_damaged-home.ts';
import type { Home } from './_home.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const flip = (bytes: Buffer): Uint8Array => bytes.with(bytes.length - 20, bytes.at(-20)! ^ 0x10);

let damaged: DamagedHome;
let home: Home;
/** Of the password and of the words, by their sizes: the former has parameters. */
let slots: { readonly password: string; readonly words: string };
beforeAll(async () => {
  damaged = await DamagedHome.create();
  home = damaged.home;
  const files = damaged.files.filter(({ kind }) => kind === 'slot').toSorted((a, b) => b.size - a.size);
  slots = { password: files[0]!.path, words: files[1]!.path };
});
beforeEach(async () => await damaged.reset('same'));
afterAll(() => damaged[Symbol.dispose]());

function wordsFile(): string {
  const name = readdirSync(home.folder, { recursive: true, encoding: 'utf8' }).find((file) =>
    file.endsWith('recovery-words.txt'),
  );
  return join(home.folder, name!);
}

describe('a rotten way in with the password', () => {
  it('is named by check where the keys are at hand, and the password does not count as wrong', async () => {
    damaged.damage(slots.password, flip);
    const ran = await home.run(['check', '--json']);
    expect([ran.code, ran.stdout]).toEqual([13, expect.stringContaining(slots.password)]);
    expect(ran.stdout).toContain('"type":"summary"');
  });

  it('is named where it is the only way that was tried', async () => {
    await damaged.reset('blank');
    damaged.damage(slots.password, flip);
    for (const args of [['check'], ['snapshots'], ['backup', home.data]]) {
      const ran = await home.run([...args, '--json']);
      expect(ran.records.at(-1)).toMatchObject({ type: 'error', code: 'way-in-damaged', exitCode: 13 });
      expect(ran.stdout).toContain(slots.password);
      expect(ran.stdout).toContain('24 recovery words');
    }
  });

  it('does not make a wrong word of another way in damage', async () => {
    damaged.damage(slots.words, flip);
    const ran = await home.run(['check', '--json'], { secret: 'not the one that was chosen' });
    expect(ran.records.at(-1)).toMatchObject({ type: 'error', code: 'wrong-password', exitCode: 12 });
  });
});

describe('heal', () => {
  const damageFirst = (kind: 'slot' | 'keyring' | 'commit' | 'record'): string => {
    const [first] = damaged.files.filter((file) => file.kind === kind).toSorted((a, b) => (a.path < b.path ? -1 : 1));
    damaged.damage(first!.path, flip);
    return first!.path;
  };

  it.each(['slot', 'keyring', 'commit'] as const)('names a %s that it could not mend', async (kind) => {
    const path = damageFirst(kind);
    const ran = await home.run(['heal']);
    expect([ran.code, ran.stdout]).toEqual([3, expect.not.stringContaining('nothing is known to be lacking')]);
    expect(ran.stderr).toContain(kind === 'commit' ? 'read commit 1' : kind === 'keyring' ? 'keyring' : path);
    expect(ran.stderr).toContain('keephold heal --from');
  });

  it('writes a record again, for it finds out what it said', async () => {
    damageFirst('record');
    expect((await home.run(['check'])).code).toBe(13);
    const ran = await home.run(['heal']);
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('found out again what')]);
    expect((await home.run(['check'])).code).toBe(0);
  });

  it('says that nothing is lacking where nothing is', async () => {
    const ran = await home.run(['heal']);
    expect([ran.code, ran.stdout]).toEqual([0, 'nothing is known to be lacking\n']);
  });
});

it('the words, from the file that init wrote, open what the password cannot any more, and make a new way in', async () => {
  damaged.damage(slots.password, flip);
  const file = join(home.folder, 'new-password');
  writeFileSync(file, 'quite another long password\n', { mode: 0o600 });
  const byWords = ['--password-file', wordsFile()];
  const added = await home.run(['keys', 'add', 'password', '--new-password-file', file, ...byWords]);
  expect([added.code, added.stderr]).toEqual([0, '']);
  home.forgetEverything();
  expect((await home.run(['snapshots'], { secret: 'quite another long password' })).code).toBe(0);
});
