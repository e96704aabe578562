/** A backup for timers: begun and ended by what the machine says, here a mock of UPower and logind on a bus of its own. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasMock, MockBus, mockNote } from '@keephold/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandsIn } from '../server/_commands.ts';

const place = mkdtempSync(join(tmpdir(), 'keephold-by-itself-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const home = join(place, 'home');
const repository = join(place, 'repository');

describe.skipIf(!hasMock)(`by itself${mockNote}`, () => {
  const bus = new MockBus();
  const keephold = commandsIn(home, undefined, {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, '../_cheap-argon2-process.ts')}`,
    DBUS_SYSTEM_BUS_ADDRESS: bus.address,
  });

  beforeAll(async () => {
    await bus.startDaemon();
    await Promise.all([bus.start('upower'), bus.start('logind')]);
    mkdirSync(join(home, 'photos'), { recursive: true });
    for (let i = 0; i < 40; i++) writeFileSync(join(home, `photos/${i}.jpg`), randomBytes(1 << 20));
    await keephold.run('init', '--repo', repository);
    await keephold.run('plan', 'add', 'photos', join(home, 'photos'), '--repo', repository, '--on-mains');
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  async function backUp(
    ...more: readonly string[]
  ): Promise<{ code: number | null; records: Record<string, unknown>[] }> {
    const child = keephold.start('backup', '--plan', 'photos', '--by-itself', '--json', ...more);
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    const records = text.split('\n').filter((line) => line !== '');
    return { code, records: records.map((line) => JSON.parse(line) as Record<string, unknown>) };
  }

  test('on battery it does not begin, and says why', async () => {
    await bus.setProperty('upower', 'OnBattery', { signature: 'b', value: true });
    const { code, records } = await backUp();
    expect(code).toBe(4);
    expect(records).toMatchObject([
      { type: 'not-now', plan: 'photos', did: 'not-begun', blockers: [{ code: 'on-battery' }] },
    ]);
    expect(await keephold.run('snapshots', '--repo', repository, '--json')).not.toContain('"type":"snapshot"');
  });

  test('pulled from the mains it stops with a checkpoint, and goes on from there', async () => {
    await bus.setProperty('upower', 'OnBattery', { signature: 'b', value: false });
    const stopped = backUp('--limit-upload', '10MB', '--memory', '64MB');
    while (packs().length === 0) await wait(20);
    const listed = {
      template: 'logind',
      interface: 'org.freedesktop.login1.Manager',
      method: 'ListInhibitors',
    } as const;
    expect(await bus.steer(listed)).toMatchObject([['sleep', 'Keephold', 'backing up photos', 'block', 1000, 123456]]);
    await bus.setProperty('upower', 'OnBattery', { signature: 'b', value: true });
    const { code, records } = await stopped;
    expect(code).toBe(4);
    expect(records).toContainEqual(expect.objectContaining({ type: 'summary', kind: 'checkpoint', interrupted: true }));
    expect(records.at(-1)).toMatchObject({ type: 'not-now', did: 'stopped', blockers: [{ code: 'on-battery' }] });
    expect(await bus.steer(listed)).toEqual([]);

    await bus.setProperty('upower', 'OnBattery', { signature: 'b', value: false });
    const whole = await backUp();
    expect(whole.code).toBe(0);
    expect(whole.records).toContainEqual(expect.objectContaining({ type: 'summary', kind: 'complete' }));
  });
});

test('without a plan there is nothing to ask', async () => {
  await expect(commandsIn(home).run('backup', home, '--by-itself')).rejects.toThrow('--by-itself needs --plan');
});

function packs(): readonly string[] {
  const names = readdirSync(repository, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && /packs/.test(entry.parentPath)).map(({ name }) => name);
}
