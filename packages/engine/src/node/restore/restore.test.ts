import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DamagedError } from '../../errors.ts';
import { NodeType, type TreeNode } from '../../node-fields.ts';
import { FixtureRepository } from './_fixture-repository.ts';
import { inProcessWorker } from './_in-process-worker.ts';
import { type PlainConfig, PlainTarget } from './_plain-target.ts';
import type { RestoredItem, RestoreReport } from './account.ts';
import { type RestoreOptions, restore } from './restore.ts';

let root: string;
let repository: FixtureRepository;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keephold-restore-'));
  repository = new FixtureRepository();
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

type Overrides = Partial<RestoreOptions<PlainConfig>> & { readonly config?: Partial<PlainConfig> };

async function run(
  overrides: Overrides = {},
): Promise<RestoreReport & { readonly items: ReadonlyMap<string, RestoredItem> }> {
  const items = new Map<string, RestoredItem>();
  const createTarget = (config: PlainConfig): PlainTarget => new PlainTarget({ ...config, ...overrides.config });
  const report = await restore<PlainConfig>({
    repository,
    snapshot: repository.snapshot,
    path: new Uint8Array(0),
    target: { root: join(root, 'out') },
    createTarget,
    spawnWorker: inProcessWorker(createTarget),
    workers: 2,
    overwrite: 'if-changed',
    delete: false,
    dryRun: false,
    durable: false,
    signal: new AbortController().signal,
    onItem: (item) => {
      const path = Buffer.from(item.path).toString('latin1');
      if (items.has(path)) throw new Error(`two accounts of ${path}`);
      items.set(path, item);
    },
    ...overrides,
  });
  const { restored, identical, skipped, failed, deleted } = report;
  expect(restored + identical + skipped + failed + deleted).toBe(items.size);
  return { ...report, items };
}

const out = (...names: string[]): string => join(root, 'out', ...names);
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('restore', () => {
  it('brings back content, modes, times, links and empty things', async () => {
    const small = bytes(1000);
    const big = [bytes(300_000), bytes(700_000), bytes(200_000)];
    const many = Array.from({ length: 700 }, () => bytes(64));
    repository.root([
      repository.directory(
        'a',
        [
          repository.file('empty'),
          repository.file('small', { parts: [small], mode: 0o640 }),
          repository.file('same-content', { parts: [small] }),
          repository.directory('deeper', [repository.file('big', { parts: big })], { mode: 0o700 }),
          repository.directory('nothing', []),
        ],
        { mode: 0o750 },
      ),
      repository.file('many', { parts: many, list: true }),
      repository.symlink('link', '../elsewhere'),
      repository.other('socket', NodeType.socket),
      repository.other('disk', NodeType.blockDevice, { device: [8, 0] }),
    ]);
    const report = await run();
    expect(readFileSync(out('a/small'))).toEqual(Buffer.from(small));
    expect(readFileSync(out('a/same-content'))).toEqual(Buffer.from(small));
    expect(readFileSync(out('a/deeper/big'))).toEqual(Buffer.concat(big));
    expect(readFileSync(out('many'))).toEqual(Buffer.concat(many));
    expect(statSync(out('a/empty')).size).toBe(0);
    expect(readlinkSync(out('link'))).toBe('../elsewhere');
    expect(statSync(out('a/small')).mode & 0o7777).toBe(0o640);
    expect(statSync(out('a')).mode & 0o7777).toBe(0o750);
    for (const name of ['a', 'a/deeper', 'a/small', 'many'])
      expect(Math.round(statSync(out(name)).mtimeMs)).toBe(1_700_000_000_123);
    expect(report.items.get('socket')).toMatchObject({ outcome: 'skipped' });
    expect(report.items.get('disk')).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('not permitted'),
    });
    expect(report).toMatchObject({
      failed: 0,
      skipped: 2,
      restored: 9,
      bytes: 2 * small.length + 1_200_000 + 700 * 64,
    });
  });

  it('gives back the same through node:crypto and node:zlib alone', async () => {
    repository = new FixtureRepository({ native: false });
    const parts = [bytes(100_000), new Uint8Array(600_000).fill(7)];
    repository.root([repository.file('f', { parts })]);
    await run({ native: false });
    expect(readFileSync(out('f'))).toEqual(Buffer.concat(parts));
  });

  it('fills files whose parts lie in several packs, more of them than may be open at once', async () => {
    const halves = Array.from({ length: 450 }, () => [bytes(20), bytes(20)] as const);
    for (const [first] of halves) repository.blob(first);
    repository.seal();
    for (const [, second] of halves) repository.blob(second);
    repository.root(halves.map((parts, i) => repository.file(`f${i}`, { parts })));
    expect(repository.packs).toHaveLength(2);
    const report = await run();
    expect(report.failures).toEqual([]);
    expect(report.restored).toBe(450);
    halves.forEach((parts, i) => expect(readFileSync(out(`f${i}`))).toEqual(Buffer.concat(parts)));
  });

  it('restores one directory into the target itself, and one file beside what is there', async () => {
    repository.root([
      repository.directory('home', [
        repository.directory('me', [repository.file('x', { parts: [bytes(5)] })], { mode: 0o711 }),
      ]),
    ]);
    await run({ path: Buffer.from('home/me') });
    expect(readdirSync(out())).toEqual(['x']);
    expect(statSync(out()).mode & 0o7777).toBe(0o711);
    writeFileSync(out('other'), 'mine');
    chmodSync(out(), 0o755);
    rmSync(out('x'));
    await run({ path: Buffer.from('home/me/x'), delete: true });
    expect(readdirSync(out()).sort()).toEqual(['other', 'x']);
    expect(statSync(out()).mode & 0o7777).toBe(0o755);
    await expect(run({ path: Buffer.from('home/you') })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('restores only what is selected, with the directories above it', async () => {
    const file = (name: string): TreeNode => repository.file(name, { parts: [bytes(3)] });
    repository.root([
      repository.directory('a', [repository.directory('b', [file('yes'), file('no')], { mode: 0o711 }), file('no')]),
      repository.directory('c', [file('no')]),
    ]);
    const report = await run({
      select: (path, isDirectory) =>
        isDirectory ? 'descend' : Buffer.from(path).toString().endsWith('yes') ? 'selected' : 'skipped',
    });
    expect([...report.items.keys()].sort()).toEqual(['a', 'a/b', 'a/b/yes']);
    expect(readdirSync(out())).toEqual(['a']);
    expect(statSync(out('a/b')).mode & 0o7777).toBe(0o711);
  });

  it('leaves holes unwritten', async () => {
    const data = bytes(65_536);
    const zeros = new Uint8Array(1 << 20);
    const parts = [data, zeros, zeros, zeros, zeros, data];
    const holes = [[65_536, 4 << 20]] as const;
    repository.root([
      repository.file('sparse', { parts, holes }),
      repository.file('all', { parts: [zeros], holes: [[0, 1 << 20]] }),
      repository.file('half', { parts: [data], holes: [[10_000, 20_000]] }),
    ]);
    await run();
    const half = Buffer.from(data);
    half.fill(0, 10_000, 30_000);
    expect(readFileSync(out('sparse'))).toEqual(Buffer.concat(parts));
    expect(readFileSync(out('half'))).toEqual(half);
    expect(statSync(out('sparse')).blocks * 512).toBeLessThan(300_000);
    expect(statSync(out('all'))).toMatchObject({ size: 1 << 20, blocks: 0 });
  });
});

describe('what is there already', () => {
  const content = Buffer.from('from the snapshot');
  const put = (text: string, mtime: number): void => {
    mkdirSync(out(), { recursive: true });
    writeFileSync(out('f'), text);
    utimesSync(out('f'), mtime, mtime);
  };
  beforeEach(() =>
    repository.root([repository.file('f', { parts: [content], mtime: 1_000_000_000n * 1_000_000_000n, mode: 0o600 })]),
  );

  it.each([
    ['never', 'something else', 5, 'skipped', 'something else'],
    ['never', 'from the snapshot', 1e9, 'skipped', 'from the snapshot'],
    ['if-changed', 'not the same size', 5, 'restored', 'from the snapshot'],
    ['if-changed', 'FROM THE SNAPSHOT', 5, 'restored', 'from the snapshot'],
    ['if-changed', 'FROM THE SNAPSHOT', 1e9, 'identical', 'FROM THE SNAPSHOT'],
    ['always', 'FROM THE SNAPSHOT', 1e9, 'restored', 'from the snapshot'],
  ] as const)('%s: %j of time %i becomes %s', async (overwrite, text, mtime, outcome, result) => {
    put(text, mtime);
    const report = await run({ overwrite });
    expect(report.items.get('f')?.outcome).toBe(outcome);
    expect(readFileSync(out('f'), 'utf8')).toBe(result);
    expect(statSync(out('f')).mode & 0o777).toBe(overwrite === 'never' ? 0o644 : 0o600);
    expect(readdirSync(out())).toEqual(['f']);
  });

  it('replaces a link and an empty directory, never a full one or what a link points at', async () => {
    mkdirSync(out('f'), { recursive: true });
    expect((await run()).items.get('f')?.outcome).toBe('restored');
    rmSync(out('f'));
    mkdirSync(out('f'));
    writeFileSync(out('f/keep'), 'x');
    expect((await run()).items.get('f')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('not empty'),
    });
    expect(existsSync(out('f/keep'))).toBe(true);
    expect((await run({ delete: true })).items.get('f')?.outcome).toBe('restored');
  });

  it('says in a dry run what would happen and changes nothing', async () => {
    expect((await run({ dryRun: true })).items.get('f')?.outcome).toBe('restored');
    expect(existsSync(out())).toBe(false);
    put('something else', 5);
    writeFileSync(out('stranger'), '');
    const report = await run({ dryRun: true, delete: true });
    expect([...report.items].map(([path, { outcome }]) => [path, outcome])).toEqual([
      ['f', 'restored'],
      ['stranger', 'deleted'],
    ]);
    expect(readFileSync(out('f'), 'utf8')).toBe('something else');
    expect(existsSync(out('stranger'))).toBe(true);
  });

  it('deletes what the snapshot does not have only when asked, at the end, and not beside an unreadable directory', async () => {
    repository.root([
      repository.directory('d', [repository.file('f', { parts: [content] })]),
      repository.directory('e', new DamagedError('broken tree')),
    ]);
    for (const name of ['d', 'e']) {
      mkdirSync(out(name), { recursive: true });
      writeFileSync(out(name, 'stranger'), '');
    }
    await run();
    expect(existsSync(out('d/stranger'))).toBe(true);
    const report = await run({ delete: true });
    expect(report.items.get('d/stranger')?.outcome).toBe('deleted');
    expect(report.items.get('e')).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('broken tree') });
    expect(existsSync(out('d/stranger'))).toBe(false);
    expect(existsSync(out('e/stranger'))).toBe(true);
    expect(Math.round(statSync(out('d')).mtimeMs)).toBe(1_700_000_000_123);
  });
});

describe('interruption', () => {
  const files = (): TreeNode[] =>
    Array.from({ length: 40 }, (_, i) => repository.file(`f${i}`, { parts: [bytes(200_000), bytes(200_000)] }));

  it('stops, leaves nothing half-written under a final name, and goes on later', async () => {
    const nodes = files();
    repository.root(nodes);
    const abort = new AbortController();
    let finished = 0;
    const first = await run({ signal: abort.signal, config: { onFinish: () => ++finished === 1 && abort.abort() } });
    expect(first.interrupted).toBe(true);
    for (const name of readdirSync(out())) expect(statSync(out(name)).size).toBe(400_000);
    const left = readdirSync(out()).length;
    const second = await run();
    // The plain target keeps microseconds only, so nothing of the first run counts as identical there.
    expect(second.restored + second.identical).toBe(40);
    expect(left).toBeLessThanOrEqual(40);
    for (const name of readdirSync(out())) expect(name).not.toContain('partial');
  });

  it('skips what an earlier run finished and removes what it left half-done', async () => {
    repository.root([
      repository.file('done', { parts: [bytes(10)], mtime: 5_000_000_000n }),
      repository.file('open', { parts: [bytes(10)] }),
    ]);
    await run();
    writeFileSync(out('open.partial-7'), 'half');
    writeFileSync(out('open'), 'half');
    const report = await run({ isLeftover: (name) => Buffer.from(name).includes('.partial-') });
    expect(report.items.get('done')?.outcome).toBe('identical');
    expect(report.items.get('open')?.outcome).toBe('restored');
    expect(readdirSync(out()).sort()).toEqual(['done', 'open']);
  });

  it('ends with no-room before the start when there is not enough, and in the middle without half files', async () => {
    repository.root(files());
    await expect(run({ config: { free: 1_000_000 } })).rejects.toMatchObject({ code: 'no-room' });
    expect(readdirSync(out())).toEqual([]);
    const room = { left: 5_000_000 };
    await expect(run({ config: { room } })).rejects.toMatchObject({
      code: 'no-room',
      report: { failed: expect.any(Number) },
    });
    for (const name of readdirSync(out())) expect(statSync(out(name)).size).toBe(400_000);
    expect(readdirSync(out()).length).toBeLessThan(40);
    await run();
    expect(readdirSync(out())).toHaveLength(40);
  });
});

describe('hostile trees', () => {
  it.each(['', '.', '..', 'a/b', 'a\0b', '/etc'])(
    'refuses the name %j and what is in such a directory',
    async (name) => {
      const bad = [repository.file(Buffer.from(name), { parts: [bytes(3)] })];
      repository.root([repository.directory('ok', [repository.file('fine', { parts: [bytes(4)] })]), ...bad], 'as-is');
      const report = await run();
      expect(report).toMatchObject({
        failed: name === 'a/b' || name === 'a\0b' || name === '' || name.startsWith('.') || name === '/etc' ? 1 : 0,
        restored: 2,
      });
      expect(report.failures[0]?.reason).toContain('refused');
      expect(readdirSync(root)).toEqual(['out']);
      expect(readdirSync(out())).toEqual(['ok']);
      repository.root(
        [repository.directory(Buffer.from(name), [repository.file('inside', { parts: [bytes(3)] })])],
        'as-is',
      );
      expect(await run()).toMatchObject({ failed: 2, restored: 0 });
      expect(readdirSync(root)).toEqual(['out']);
    },
  );

  it('refuses names that come twice or out of order', async () => {
    const named = (name: string): TreeNode => repository.file(name, { parts: [Buffer.from(name)] });
    repository.root([named('b'), { ...named('b'), size: 1 }, named('a'), named('c')], 'as-is');
    const items: string[] = [];
    const report = await run({
      onItem: (item) => items.push(`${Buffer.from(item.path).toString()} ${item.outcome}`),
    }).catch((error: unknown) => error);
    expect(report).toBeInstanceOf(Error);
    expect(items.sort()).toEqual(['a failed', 'b failed', 'b restored', 'c restored']);
  });

  it('stops at 1,024 directories deep and restores the rest', async () => {
    let node = repository.directory('d', []);
    for (let i = 0; i < 1030; i++) node = repository.directory('d', [node]);
    repository.root([node, repository.file('f', { parts: [bytes(3)] })]);
    const report = await run({ dryRun: true });
    expect(report.failures).toHaveLength(1);
    expect(report.failures[0]?.reason).toContain('1024');
    expect(report.items.get('f')?.outcome).toBe('restored');
  });

  it('fails a file whose tree gives a blob another length than the index', async () => {
    const part = { blob: repository.blob(bytes(10)), length: 11 };
    repository.root([
      { ...repository.file('f'), size: 11, content: [part] },
      repository.file('g', { parts: [bytes(9)] }),
    ]);
    const report = await run();
    expect(report.items.get('f')).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('length') });
    expect(readdirSync(out())).toEqual(['g']);
  });

  it('skips files whose content was not captured', async () => {
    repository.root([
      repository.file('cloud', { note: 'placeholder', size: 5 }),
      repository.file('locked', { note: 'unreadable: EACCES' }),
    ]);
    expect(await run()).toMatchObject({ skipped: 2 });
    expect(readdirSync(out())).toEqual([]);
  });
});

describe('damage', () => {
  const good = bytes(1000);

  it('fails only the files of a damaged page', async () => {
    const nodes = Array.from({ length: 10 }, (_, i) => repository.file(`f${i}`, { parts: [bytes(400_000)] }));
    repository.root(nodes);
    repository.damagePage(0, 0);
    const report = await run();
    expect(report).toMatchObject({ failed: 1, restored: 9 });
    expect(report.items.get('f0')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining(toHex(repository.packs[0]!.indexed.packId)),
    });
    expect(existsSync(out('f0'))).toBe(false);
  });

  it('takes the same blob from another pack, for files of one and of several parts', async () => {
    const parts = [bytes(300_000), bytes(300_000)];
    const other = bytes(300_000);
    const nodes = [repository.file('one', { parts: [good] }), repository.file('two', { parts })];
    repository.seal();
    repository.blob(other);
    nodes.push(repository.file('spans', { parts: [parts[1]!, other, parts[0]!] }));
    for (const blob of [good, ...parts]) repository.blob(blob, 1, true);
    repository.root(nodes);
    for (let page = 0; page < repository.packs[0]!.indexed.pageCount; page++) repository.damagePage(0, page);
    expect(await run()).toMatchObject({ failed: 0, restored: 3 });
    expect(readFileSync(out('one'))).toEqual(Buffer.from(good));
    expect(readFileSync(out('two'))).toEqual(Buffer.concat(parts));
    expect(readFileSync(out('spans'))).toEqual(Buffer.concat([parts[1]!, other, parts[0]!]));
  });

  it('names a pack that is missing, one that is cut short and one that cannot be read', async () => {
    const nodes: TreeNode[] = [];
    for (let i = 0; i < 4; i++) {
      nodes.push(
        repository.file(`f${i}`, { parts: [bytes(100_000)] }),
        repository.file(`g${i}`, { parts: [bytes(100_000), good] }),
      );
      repository.seal();
    }
    nodes.push(repository.file('spans', { parts: [bytes(70_000), good] }));
    repository.root(nodes);
    repository.packs[0]!.bytes = undefined;
    repository.packs[1]!.bytes = repository.packs[1]!.bytes!.slice(0, 1000);
    repository.onGetPack = (packId) => {
      if (toHex(packId) === toHex(repository.packs[2]!.indexed.packId))
        throw Object.assign(new Error('input/output error'), { code: 'EIO' });
    };
    const report = await run();
    // `good` was stored once, in the first pack: every file with it is lost with that.
    expect(report.items.get('f0')?.reason).toContain('is not there');
    expect(report.items.get('f1')?.reason).toContain('damaged in pack');
    expect(report.items.get('f2')?.reason).toContain('input/output error');
    expect(report.items.get('f3')?.outcome).toBe('restored');
    for (const name of ['g0', 'g1', 'g2', 'g3', 'spans']) expect(report.items.get(name)?.outcome).toBe('failed');
    expect(readdirSync(out())).toEqual(['f3']);
  });
});

describe('hard links', () => {
  const key = new Uint8Array(16).fill(9);
  const content = bytes(5000);
  const linked = (name: string): TreeNode => repository.file(name, { parts: [content], hardLink: key });

  it('makes one file of several names, also where some are there already', async () => {
    repository.root([
      repository.directory('a', [linked('x')]),
      linked('y'),
      linked('z'),
      repository.file('alone', { parts: [content] }),
    ]);
    await run();
    const inode = (name: string): number => lstatSync(out(name)).ino;
    expect([inode('y'), inode('z')]).toEqual([inode('a/x'), inode('a/x')]);
    expect(inode('alone')).not.toBe(inode('a/x'));
    rmSync(out('y'));
    writeFileSync(out('y'), 'other');
    await run();
    expect(inode('y')).toBe(inode('a/x'));
    expect(readFileSync(out('y'))).toEqual(Buffer.from(content));
  });

  it('writes copies where links cannot be made', async () => {
    repository.root([linked('x'), linked('y'), linked('z')]);
    expect(await run({ config: { noHardLinks: true } })).toMatchObject({ restored: 3, failed: 0 });
    for (const name of ['x', 'y', 'z']) expect(readFileSync(out(name))).toEqual(Buffer.from(content));
  });

  it('does not link to what another content stands behind', async () => {
    repository.root([linked('x'), linked('y')]);
    mkdirSync(out());
    writeFileSync(out('x'), 'mine');
    await run({ overwrite: 'never' });
    expect(readFileSync(out('x'), 'utf8')).toBe('mine');
    expect(readFileSync(out('y'))).toEqual(Buffer.from(content));
    linkSync(out('y'), out('extra'));
  });
});

describe('the account', () => {
  it('has every item once, whatever is damaged', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 4 });
    const tree = fc.array(fc.record({ sizes, directory: fc.nat(3), link: fc.boolean(), seal: fc.boolean() }), {
      minLength: 1,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(tree, fc.array(fc.nat(1000), { maxLength: 4 }), async (entries, damages) => {
        rmSync(out(), { recursive: true, force: true });
        repository = new FixtureRepository();
        const directories: TreeNode[][] = [[], [], [], []];
        entries.forEach(({ sizes: lengths, directory, link, seal }, i) => {
          const hardLink = link ? { hardLink: new Uint8Array(16) } : {};
          const parts = link ? [Buffer.from('linked')] : lengths.map(bytes);
          directories[directory]!.push(repository.file(`f${i}`, { parts, ...hardLink }));
          if (seal) repository.seal();
        });
        repository.root(directories.map((nodes, i) => repository.directory(`d${i}`, nodes)));
        for (const damage of damages) {
          const pack = damage % Math.max(1, repository.packs.length);
          if (repository.packs[pack]?.bytes !== undefined)
            repository.damagePage(pack, damage % repository.packs[pack].indexed.pageCount);
        }
        const report = await run();
        expect(report.items.size).toBe(entries.length + 4);
        for (const [path, { outcome, bytes: size }] of report.items) {
          const stat = lstatSync(out(path), { throwIfNoEntry: false });
          expect(stat !== undefined).toBe(outcome === 'restored');
          if (stat?.isFile() === true) expect(stat.size).toBe(size);
        }
      }),
      { numRuns: 25 },
    );
  });
});
