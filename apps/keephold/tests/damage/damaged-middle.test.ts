/** Damage in the middle of the history: nothing that is kept is lost, and a user gets out of it without another copy. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DamagedHome } from './_damaged-home.ts';
import type { Home, Ran } from './_home.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const flip = (bytes: Buffer): Uint8Array => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 0x10);

let damaged: DamagedHome;
let home: Home;
beforeAll(async () => {
  damaged = await DamagedHome.create();
  home = damaged.home;
});
afterAll(() => damaged[Symbol.dispose]());

const fileOf = (kind: 'commit' | 'record', seq: number): string =>
  damaged.files.find((file) => file.kind === kind && new RegExp(`/0*${seq}(-[0-9a-f]+)?$`).test(file.path))!.path;
const loseLedger = (): void => {
  for (const name of readdirSync(home.repository)) if (name.startsWith('ledger.')) rmSync(join(home.repository, name));
};
const codeOf = async (...args: string[]): Promise<readonly [string, number]> => [
  args.join(' '),
  (await home.run(args)).code,
];
const collect = async (): Promise<Ran> => await home.run(['gc', '--trash-days', '0', '--purge-days', '0', '--json']);

async function restoreAll(
  name: string,
): Promise<Pick<Awaited<ReturnType<DamagedHome['outcome']>>, 'wrong' | 'missing'>> {
  const out = join(home.folder, 'out');
  rmSync(out, { recursive: true, force: true });
  const ran = await home.run(['restore', `${name}:${home.data}`, '--target', out, '--json']);
  const { wrong, missing } = damaged.compare(out, ran);
  return { wrong, missing };
}

describe.each(['same', 'blank'] as const)('a commit that rotted, on the %s machine', (machine) => {
  it('stops no collection, and is given up by the owner', async () => {
    await damaged.reset(machine);
    damaged.damage(fileOf('commit', 2), flip);
    loseLedger();
    expect((await collect()).code).toBe(0);
    expect(await codeOf('snapshots')).toEqual(['snapshots', 13]);
    const accepted = await home.run(['repair', '--accept-history', '--json']);
    expect([accepted.code, accepted.records.at(-1)]).toEqual([0, expect.objectContaining({ forgotten: [2] })]);
    expect(accepted.stderr).toContain('commit 2 cannot be read and is given up');
    expect(await codeOf('snapshots')).toEqual(['snapshots', 0]);
    expect((await collect()).records[0]).toMatchObject({ expiredSnapshots: 1, paused: null });
    loseLedger();
    expect((await collect()).code).toBe(0);
    expect(await codeOf('heal')).toEqual(['heal', 0]);
    // Which packs the second listed is for its own device to say again.
    const { records } = await home.run(['check', '--read-data', '--json']);
    const problems = records.filter(({ type }) => type === 'problem').map(({ kind }) => kind);
    expect(problems).toEqual(machine === 'same' ? [] : ['damaged-index']);
    expect(await restoreAll('latest')).toEqual({ wrong: [], missing: [] });
  });
});

it('a commit and its record that rotted take nothing from the snapshots after them', async () => {
  await damaged.reset('same');
  for (const kind of ['commit', 'record'] as const) damaged.damage(fileOf(kind, 2), flip);
  loseLedger();
  const refused = await collect();
  expect(refused.records.at(-1)).toMatchObject({ type: 'error', code: 'damaged', exitCode: 13 });
  expect(refused.stdout).toContain('keephold repair --accept-history');
  // What the second stored is listed by no index that can be read, and in no refset that is known.
  expect(await restoreAll('#3')).toEqual({ wrong: [], missing: [] });
  const healed = await home.run(['heal', '--json']);
  expect(healed.records).toContainEqual(expect.objectContaining({ type: 'restated', commits: [3], unknown: [] }));
  expect(await codeOf('repair', '--accept-history')).toEqual(['repair --accept-history', 0]);
  expect((await collect()).code).toBe(0);
  expect(await codeOf('check', '--read-data')).toEqual(['check --read-data', 0]);
  expect(await restoreAll('latest')).toEqual({ wrong: [], missing: [] });
});

describe('a record that rotted', () => {
  it('of an expired snapshot that a kept one stands on is not needed any more once heal has looked', async () => {
    await damaged.reset('same');
    expect(await codeOf('forget', '#1')).toEqual(['forget #1', 0]);
    expect((await collect()).records[0]).toMatchObject({ expiredSnapshots: 1 });
    damaged.damage(fileOf('record', 1), flip);
    loseLedger();
    const refused = await collect();
    expect(refused.records.at(-1)).toMatchObject({ code: 'damaged', exitCode: 13 });
    expect(refused.stdout).toContain('keephold heal finds it out');
    const healed = await home.run(['heal', '--json']);
    expect([healed.code, healed.records]).toEqual([
      0,
      expect.arrayContaining([expect.objectContaining({ type: 'restated', commits: [2], unknown: [] })]),
    ]);
    loseLedger();
    expect((await collect()).code).toBe(0);
    expect(await codeOf('check', '--read-data')).toEqual(['check --read-data', 0]);
    expect(await restoreAll('#2')).toEqual({ wrong: [], missing: ['a/newer'] });
  });

  it('of a kept snapshot is written again', async () => {
    await damaged.reset('same');
    damaged.damage(fileOf('record', 2), flip);
    loseLedger();
    const table = await home.run(['stats']);
    expect([table.code, table.stdout]).toEqual([13, expect.stringMatching(/^ #1 .*B +\d\S* .B\n #2 .*\? +\?$/m)]);
    expect(table.stdout).not.toContain('have not finished');
    expect(table.stderr).toContain('what #2, #3 need cannot be read');
    const told = await home.run(['stats', '--json']);
    expect([told.code, told.records.map(({ packs }) => packs)]).toEqual([13, [2, null, null, 2, undefined]]);
    expect(told.records.find(({ type }) => type === 'total')).toMatchObject({ refsetsUnread: [2, 3], packs: 2 });
    expect(await codeOf('heal')).toEqual(['heal', 0]);
    expect(await codeOf('stats')).toEqual(['stats', 0]);
    loseLedger();
    expect((await collect()).code).toBe(0);
    expect(await codeOf('check', '--read-data')).toEqual(['check --read-data', 0]);
  });

  it('stays what it is where the device may not read and no password is given', async () => {
    await damaged.reset('blank');
    damaged.damage(fileOf('record', 2), flip);
    expect((await home.run(['backup', home.data, '--json'])).code).toBe(0);
    loseLedger();
    const healed = await home.run(['heal', '--json'], { secret: null });
    expect([healed.code, healed.records]).toEqual([
      3,
      expect.arrayContaining([expect.objectContaining({ type: 'restated', commits: [], unknown: [2, 3] })]),
    ]);
    expect(await codeOf('heal')).toEqual(['heal', 0]);
  });
});
