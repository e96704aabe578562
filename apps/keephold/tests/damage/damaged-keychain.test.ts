/** A keychain entry lies once in a repository, and everything stands on it: machines that have seen it go on, and mend it. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DamagedHome } from './_damaged-home.ts';
import { Home, PASSWORD } from './_home.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const folder = 'account/keychain';
const flip = (bytes: Buffer): Uint8Array => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 0x10);
const flipHash = (bytes: Buffer): Uint8Array => {
  // Key 3 of the entry's map, the hash of the one before: its first byte.
  const at = bytes.indexOf(Buffer.from([0x03, 0x58, 0x20])) + 3;
  return bytes.with(at, bytes[at]! ^ 1);
};

let damaged: DamagedHome;
let home: Home;
let entries: readonly string[];
beforeAll(async () => {
  damaged = await DamagedHome.create();
  home = damaged.home;
  entries = readdirSync(join(home.repository, folder)).sort();
});
beforeEach(async () => await damaged.reset('same'));
afterAll(() => damaged[Symbol.dispose]());

const stored = (name: string): Buffer => readFileSync(join(home.repository, folder, name));

describe('a machine that has seen the keychain', () => {
  it.each([
    ['flipped', flip],
    ['flipped in the hash that links it', flipHash],
    ['cut', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['gone', () => undefined],
  ] as const)(
    'reads, backs up and checks with an entry that is %s, says so, and writes it back',
    async (how, change) => {
      const last = entries.at(-1)!;
      // A log that ends earlier is no damage but an older one.
      for (const name of how === 'gone' ? entries.slice(0, -1) : entries) {
        await damaged.reset('same');
        damaged.damage(join(folder, name), change);
        const restored = await home.run([
          'restore',
          `latest:${home.data}`,
          '--target',
          join(home.folder, 'out'),
          '--json',
        ]);
        expect(restored.code, restored.stderr).toBe(0);
        expect(restored.stderr).toContain(`${folder}/${name} is damaged or missing`);
        expect(damaged.compare(join(home.folder, 'out'), restored)).toEqual({ wrong: [], missing: [], unnamed: [] });
        if (name !== last && name !== entries[0]) continue;
        const check = await home.run(['check', '--json']);
        expect(check.code).toBe(13);
        expect(check.stdout).toContain(`${folder}/${name}: is damaged or missing`);
        expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
        const healed = await home.run(['heal']);
        expect([healed.code, healed.stdout]).toEqual([
          0,
          expect.stringContaining('wrote 1 keychain entry back from this machine'),
        ]);
        expect(stored(name).equals(damaged.original(join(folder, name)))).toBe(true);
        expect((await home.run(['check'])).code).toBe(0);
      }
    },
  );

  it.each([1, 2, Number.POSITIVE_INFINITY])(
    'says that heal brings the newest entries back, and it does: %s of them',
    async (count) => {
      const lost = entries.slice(-count);
      for (const name of lost) damaged.damage(join(folder, name), () => undefined);
      if (lost.length === entries.length) rmSync(join(home.repository, folder), { recursive: true });
      for (const args of [['snapshots'], ['check'], ['backup', home.data]]) {
        const ran = await home.run([...args, '--json']);
        expect(ran.records.at(-1), args[0]).toMatchObject({ type: 'error', code: 'keychain-end-lost', exitCode: 13 });
        expect(ran.stdout).toContain('keephold heal writes back');
      }
      const healed = await home.run(['heal']);
      expect([healed.code, healed.stdout]).toEqual([0, expect.stringContaining(`wrote ${lost.length} keychain entr`)]);
      for (const name of entries) expect(stored(name).equals(damaged.original(join(folder, name)))).toBe(true);
      expect((await home.run(['check'])).code).toBe(0);
    },
  );

  it('does not mend an older copy with a log that names ways in which the copy does not have', async () => {
    const older = entries.at(-1)!;
    const newPassword = join(home.folder, 'new-password');
    writeFileSync(newPassword, 'quite another long password\n', { mode: 0o600 });
    expect((await home.run(['keys', 'password', '--new-password-file', newPassword])).code).toBe(0);
    // The history goes no further by it.
    expect((await home.run(['snapshots'])).code).toBe(0);
    rmSync(home.repository, { recursive: true });
    cpSync(join(home.folder, 'saved/repository'), home.repository, { recursive: true });
    expect((await home.run(['heal'])).stdout).not.toContain('wrote');
    expect(readdirSync(join(home.repository, folder)).sort().at(-1)).toBe(older);
  });

  it('is not fooled: a folder that is older in all it has is a rollback, with or without its copy', async () => {
    damaged.damage(join(folder, entries.at(-1)!), () => undefined);
    const chain = damaged.files.filter(({ kind }) => kind === 'commit').map(({ path }) => path);
    damaged.damage(chain.sort().at(-1)!, () => undefined);
    const ran = await home.run(['snapshots', '--json']);
    expect(ran.records).toMatchObject([{ type: 'error', code: 'rollback', exitCode: 13 }]);
    expect((await home.run(['heal'])).stdout).not.toContain('wrote');
  });
});

describe('a machine that has never seen it', () => {
  it('names the file and says what helps', async () => {
    await damaged.reset('blank');
    damaged.damage(join(folder, entries[1]!), flip);
    for (const args of [['snapshots'], ['check'], ['backup', home.data]]) {
      const ran = await home.run([...args, '--json']);
      expect(ran.records.at(-1), args[0]).toMatchObject({ type: 'error', code: 'keychain-damaged', exitCode: 13 });
      expect(JSON.stringify(ran.records.at(-1))).toContain(`${folder}/${entries[1]}`);
      expect(JSON.stringify(ran.records.at(-1))).toContain('keephold heal --from');
    }
  });

  it('takes it from a sound copy', async () => {
    await damaged.reset('blank');
    const copy = join(home.folder, 'other');
    cpSync(join(home.folder, 'saved/repository'), copy, { recursive: true });
    for (const name of entries) damaged.damage(join(folder, name), flip);
    const healed = await home.run(['heal', '--from', copy, '--json']);
    expect(healed.records.at(-1)).toMatchObject({ type: 'summary', records: entries.length, whole: true });
    expect((await home.run(['check'])).code).toBe(0);
  });
});

describe('another copy', () => {
  it('is not believed when it begins otherwise than what this machine has seen', async () => {
    using stranger = new Home();
    // The same account id over other keys, as whoever keeps the copy could make it.
    expect((await stranger.run(['init', '--quiet'])).code).toBe(0);
    cpSync(join(home.repository, 'keephold.format'), join(stranger.repository, 'keephold.format'));
    for (const name of entries) damaged.damage(join(folder, name), flip);
    for (const name of readdirSync(join(home.folder, 'state'))) rmSync(join(home.folder, 'state', name, 'keychain'));
    const before = entries.map((name) => stored(name));
    const healed = await home.run(['heal', '--from', stranger.repository, '--json']);
    expect(healed.code).not.toBe(0);
    expect(entries.map((name) => stored(name))).toEqual(before);
  });

  it('gives its keyring where the password shows that the one here is damaged, and else does not', async () => {
    const copy = join(home.folder, 'other');
    cpSync(join(home.folder, 'saved/repository'), copy, { recursive: true });
    const [keyring] = damaged.files.filter(({ kind }) => kind === 'keyring').map(({ path }) => path);
    damaged.damage(keyring!, flip);
    const unsure = await home.run(['heal', '--from', copy], { secret: null });
    expect(unsure.code).toBe(3);
    expect(unsure.stderr).toContain('only the password tells which is sound');
    const healed = await home.run(['heal', '--from', copy], { secret: PASSWORD });
    expect([healed.code, healed.stdout]).toEqual([0, expect.stringContaining('1 record from the copy')]);
    expect(readFileSync(join(home.repository, keyring!)).equals(damaged.original(keyring!))).toBe(true);
    expect((await home.run(['heal', '--from', copy], { secret: null })).code).toBe(0);
  });
});
