/** What a server keeps is damaged in its folder behind its back: it heals like a repository in a folder, or says what cannot. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ageChain } from '../damage/_age-chain.ts';
import { type FileKind, filesOf, type StoredFile } from '../damage/_damaged-home.ts';
import { Home, type Ran } from '../damage/_home.ts';
import { cheapCommandsIn, firstRecord } from './_commands.ts';

// Many commands in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 300_000 });

type Change = (bytes: Buffer) => Uint8Array | undefined;
const flip: Change = (bytes) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 0x10);
const gone: Change = () => undefined;

let home: Home;
let server: ChildProcess;
/** Of the account, in the data folder of the server. */
let kept: string;
const contents = new Map<string, Buffer>();

beforeAll(async () => {
  home = new Home();
  const data = join(home.folder, 'srv');
  server = cheapCommandsIn(home.folder).start('serve', '--json', '--data', data, '--listen', '127.0.0.1:0');
  const { url, invitation } = await firstRecord(server);
  home.repository = String(url);
  mkdirSync(home.data);
  await must('init', '--invitation', String(invitation), '--trusted');
  for (const name of ['first', 'second', 'third']) {
    contents.set(name, randomBytes(40_000));
    writeFileSync(join(home.data, name), contents.get(name)!);
    ageChain(home);
    await must('backup', home.data);
  }
  // What was written just before a backup is looked at twice: from here on nothing changes any more.
  await must('backup', home.data);
  const [account = ''] = readdirSync(join(data, 'accounts'));
  kept = join(data, 'accounts', account);
});
afterAll(async () => {
  server.kill('SIGTERM');
  await once(server, 'close');
  home[Symbol.dispose]();
});

/** Each login counts, and a server answers few at a time: only what needs the password gets it. */
const run = async (...args: readonly string[]): Promise<Ran> =>
  await home.run([...args, '--json'], ['init', 'gc'].includes(args[0]!) ? {} : { secret: null });

async function must(...args: readonly string[]): Promise<Ran> {
  const ran = await run(...args);
  expect([args[0], ran.code, ran.stderr], ran.stdout).toEqual([args[0], 0, expect.anything()]);
  return ran;
}

const check = async (): Promise<Ran> => await run('check', '--read-data');
const ofKind = (kind: FileKind): readonly StoredFile[] =>
  filesOf(kept)
    .filter((file) => file.kind === kind)
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
const byAge = (kind: FileKind): readonly StoredFile[] =>
  ofKind(kind).toSorted((a, b) => statSync(join(kept, a.path)).mtimeMs - statSync(join(kept, b.path)).mtimeMs);
/** The newest of its kind: what this device still has. */
const newestOf = (kind: FileKind): readonly StoredFile[] => byAge(kind).slice(-1);
/** Some commit names it: later ones may be of a commit that was refused and made again. */
const oldestOf = (kind: FileKind): readonly StoredFile[] => byAge(kind).slice(0, 1);

/** Puts everything back as it was when it is disposed of. */
function damage(files: readonly StoredFile[], change: Change): Disposable {
  const before = files.map(({ path }) => ({ file: join(kept, path), bytes: readFileSync(join(kept, path)) }));
  for (const { file, bytes } of before) put(file, change(bytes));
  return { [Symbol.dispose]: () => before.forEach(({ file, bytes }) => put(file, bytes)) };
}

function put(file: string, bytes: Uint8Array | undefined): void {
  rmSync(file, { force: true });
  if (bytes !== undefined) writeFileSync(file, bytes, { mode: 0o444 });
}

async function expectFound(): Promise<Ran> {
  const checked = await check();
  expect(checked.code, checked.stdout + checked.stderr).toBe(13);
  return checked;
}

async function expectWhole(): Promise<void> {
  const checked = await check();
  expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('"problems":0')]);
  await expectRestored('#3');
}

async function expectRestored(snapshot: string): Promise<void> {
  const out = join(home.folder, 'out');
  rmSync(out, { recursive: true, force: true });
  await must('restore', `${snapshot}:${home.data}`, '--target', out);
  for (const [name, bytes] of contents) expect(readFileSync(join(out, name)).equals(bytes)).toBe(true);
}

const summary = (ran: Ran): Readonly<Record<string, unknown>> => ran.records.at(-1) ?? {};

describe('keephold heal', () => {
  it('has nothing to do where nothing is damaged', async () => {
    expect(summary(await must('heal'))).toMatchObject({ whole: true, sessions: 0, named: 0, damaged: 0 });
  });

  for (const [how, change] of [
    ['rotten', flip],
    ['gone', gone],
  ] as const)
    it(`states refsets again whose records are ${how}`, async () => {
      damage(ofKind('record').slice(1, 3), change);
      await expectFound();
      const restated = (await must('heal')).records.find(({ type }) => type === 'restated');
      expect(restated).toMatchObject({ unknown: [] });
      await must('gc');
      await expectWhole();
    });

  it('puts session objects back', async () => {
    damage(ofKind('session'), gone);
    await expectFound();
    expect(Number(summary(await must('heal'))['sessions'])).toBeGreaterThanOrEqual(6);
    await expectWhole();
  });

  it('lists again what index objects listed', async () => {
    damage([...ofKind('data-index'), ...ofKind('meta-index')], gone);
    await expectFound();
    expect((await must('heal')).records.find(({ type }) => type === 'listed')).toMatchObject({ unreadable: 0 });
    await expectWhole();
  });
});

describe('the next backup', () => {
  it('stores a rotten pack again and gives it to older snapshots', async () => {
    damage(newestOf('data-pack'), flip);
    await expectFound();
    const { records } = await must('backup', home.data);
    expect(records.find(({ type }) => type === 'healed')).toMatchObject({ incomplete: [] });
    await expectWhole();
  });

  for (const [how, change] of [
    ['rotten', flip],
    ['gone', gone],
  ] as const)
    it(`puts the newest commit back that is ${how}`, async () => {
      damage(ofKind('commit').slice(-1), change);
      const { stderr } = await must('backup', home.data);
      expect(stderr).toMatch(/commit \d+ was damaged or missing and is written back/);
      await expectWhole();
    });
});

describe('what nobody has any more is told', () => {
  for (const [kind, chosen, says] of [
    ['slot', () => ofKind('slot').slice(-1), 'a way in (words) is missing'],
    ['snapshot', () => oldestOf('snapshot'), 'snapshot #'],
  ] as const)
    it(`a ${kind} that is gone`, async () => {
      using _ = damage(chosen(), gone);
      await expectFound();
      const healed = await run('heal');
      expect([healed.code, healed.stdout]).toEqual([3, expect.stringContaining(says)]);
      expect(summary(healed)).toMatchObject({ damaged: 1, whole: false });
    });

  it('a commit in the middle of the history', async () => {
    using _ = damage(ofKind('commit').slice(1, 2), flip);
    await expectFound();
    const healed = await run('heal');
    expect([healed.code, healed.stdout]).toEqual([3, expect.stringContaining('read commit 2')]);
  });

  it('an entry of the keychain, at once and as what it is', async () => {
    using _ = damage(ofKind('keychain').slice(1, 2), flip);
    for (const args of [['backup', home.data], ['heal']]) {
      const ran = await run(...args);
      expect([ran.code, summary(ran)]).toEqual([13, expect.objectContaining({ code: 'keychain-damaged' })]);
      expect(String(summary(ran)['hint'])).toContain('whoever runs the server');
    }
  });

  it('a rotten tree: new snapshots have it again, what older ones lack stays told', async () => {
    damage(newestOf('meta-pack'), flip);
    await expectFound();
    await must('backup', home.data);
    await expectRestored('latest');
    expect((await run('heal')).code).toBe((await check()).code === 0 ? 0 : 3);
  });

  it('and a copy in a folder is not for a server', async () => {
    const ran = await run('heal', '--from', home.folder);
    expect([ran.code, summary(ran)['hint']]).toEqual([2, expect.stringContaining('whoever runs the server')]);
  });
});

it('session objects whose commits are all lost are named again by the device that made them', async () => {
  // Each backup began a chain: commit 1 named the first, commit 2 both.
  damage(ofKind('commit').slice(0, 2), gone);
  expect(summary(await run('heal'))).toMatchObject({ named: 2 });
  expect(summary(await run('heal'))).toMatchObject({ named: 0 });
});
