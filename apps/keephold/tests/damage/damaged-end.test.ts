/** The newest commit is the only one that no other vouches for: when its file rots, nothing may be lost in silence, and work goes on. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DamagedHome } from './_damaged-home.ts';
import type { Home, Ran } from './_home.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const flip = (bytes: Buffer): Uint8Array => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 0x10);
const gone = (): undefined => undefined;

let damaged: DamagedHome;
let home: Home;
let newest: string;
let record: string;
beforeAll(async () => {
  damaged = await DamagedHome.create();
  home = damaged.home;
  const last = (kind: 'commit' | 'record'): string =>
    damaged.files
      .filter((file) => file.kind === kind)
      .map(({ path }) => path)
      .sort()
      .at(-1)!;
  [newest, record] = [last('commit'), last('record')];
});
afterAll(() => damaged[Symbol.dispose]());

const loseLedger = (): void => rmSync(join(home.repository, 'ledger.sqlite'), { force: true });
const backup = async (): Promise<Ran> => await home.run(['backup', home.data, '--json']);
const isWhole = (): boolean => readFileSync(join(home.repository, newest)).equals(damaged.original(newest));
const isSetAside = (): boolean => {
  const folder = join(home.repository, newest, '../../damaged');
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('commit-0000000003-'));
};

function forgetNewest(): void {
  for (const account of readdirSync(join(home.folder, 'state')))
    rmSync(join(home.folder, 'state', account, 'newest-commit'));
}

describe('a machine that has seen the newest commit', () => {
  beforeEach(async () => await damaged.reset('same'));

  it('writes it back when it next writes, whether the ledger is there or not', async () => {
    for (const [change, prepare] of [
      [flip, loseLedger],
      [flip, async () => expect((await home.run(['repair', '--quiet'])).code).toBe(0)],
      [flip, () => undefined],
      [gone, loseLedger],
    ] as const) {
      await damaged.reset('same');
      damaged.damage(newest, change);
      await prepare();
      const ran = await backup();
      expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('commit 3 was damaged or missing')]);
      expect(isWhole()).toBe(true);
      expect((await home.run(['restore', `#3:${home.data}`, '--target', join(home.folder, 'out')])).code).toBe(0);
      expect((await home.run(['check', '--quiet'])).code).toBe(0);
    }
  });

  it('reads what is left and says that the newest may be missing', async () => {
    damaged.damage(newest, flip);
    loseLedger();
    const ran = await home.run(['snapshots']);
    expect([ran.code, ran.stdout]).toEqual([13, expect.stringContaining('#2')]);
    expect(ran.stderr).toContain('read commit 3');
  });

  it('is told that the newest may be newer by all that is asked for it, and by nothing else', async () => {
    damaged.damage(newest, flip);
    loseLedger();
    const told = 'newer snapshots than #2 may be there';
    const file = `${home.data}/big`;
    for (const args of [
      ['ls', 'latest'],
      ['cat', `latest:${file}`],
      ['diff', '#1', 'latest'],
      ['find', 'big', '--snapshot', 'latest'],
    ]) {
      const ran = await home.run(args);
      expect([args, ran.code, ran.stderr]).toEqual([args, 13, expect.stringContaining(told)]);
    }
    for (const args of [
      ['ls', '#2'],
      ['cat', `#2:${file}`],
      ['diff', '#1', '#2'],
      ['find', 'big', '--snapshot', '#2'],
    ]) {
      const ran = await home.run(args);
      expect([args, ran.code, ran.stderr]).toEqual([args, 0, expect.not.stringContaining(told)]);
    }
  });

  it('writes it back by heal, and does not give it up', async () => {
    for (const args of [['heal'], ['repair', '--accept-history']]) {
      await damaged.reset('same');
      damaged.damage(newest, flip);
      loseLedger();
      expect([args, (await home.run(args)).code]).toEqual([args, 0]);
      expect([args, isWhole(), isSetAside()]).toEqual([args, true, false]);
    }
  });

  it('still refuses a folder that is older in all it has', async () => {
    for (const path of [newest, record]) damaged.damage(path, gone);
    loseLedger();
    const ran = await backup();
    expect(ran.records.at(-1)).toMatchObject({ type: 'error', code: 'rollback', exitCode: 13 });
    expect(existsSync(join(home.repository, newest))).toBe(false);
  });
});

describe('where nobody has it any more', () => {
  it.each(['same', 'blank'] as const)(
    'the %s machine says so, and goes on once the owner gives it up',
    async (machine) => {
      await damaged.reset(machine);
      damaged.damage(newest, flip);
      loseLedger();
      if (machine === 'same') forgetNewest();
      const refused = await backup();
      expect(refused.records.at(-1)).toMatchObject({ type: 'error', code: 'end-unread', exitCode: 13 });
      expect(refused.stdout).toContain('keephold repair --accept-history');
      const accepted = await home.run(['repair', '--accept-history', '--json']);
      expect([accepted.code, accepted.records.at(-1)]).toEqual([
        0,
        expect.objectContaining({ accepted: 2, givenUp: [3] }),
      ]);
      expect(accepted.stderr).toContain('commit 3 could not be read');
      expect(isSetAside()).toBe(true);
      expect((await backup()).code).toBe(0);
      const listed = await home.run(['snapshots', '--json']);
      expect([listed.code, listed.records.map(({ seq }) => seq)]).toEqual([0, [1, 2, 3]]);
      expect((await home.run(['check', '--read-data', '--quiet'])).code).toBe(0);
      expect((await home.run(['gc', '--quiet'])).code).toBe(0);
    },
  );

  it('a machine that has seen it takes what came in its place for another history', async () => {
    await damaged.reset('blank');
    damaged.damage(newest, flip);
    expect((await home.run(['repair', '--accept-history', '--quiet'])).code).toBe(0);
    expect((await backup()).code).toBe(0);
    home.copyMachine(join(home.folder, 'saved'), home.folder);
    const ran = await backup();
    expect(ran.records.at(-1)).toMatchObject({ type: 'error', code: 'fork', exitCode: 13 });
  });
});
