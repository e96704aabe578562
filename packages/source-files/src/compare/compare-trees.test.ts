import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWhole } from '../target/_target-conformance.ts';
import { createTarget } from '../target/create-target.ts';
import { type CompareTreesOptions, compareTrees } from './compare-trees.ts';
import type { TreeDifference } from './tree-difference.ts';

const hasCopy = process.platform === 'linux' && spawnSync('cp', ['--version']).status === 0;
const hasXattr = spawnSync('setfattr', ['--version']).status === 0;

let base = '';
const inA = (path: string) => join(base, 'a', path);
const inB = (path: string) => join(base, 'b', path);

function makeOriginal(): void {
  mkdirSync(inA('dir/deep'), { recursive: true });
  writeFileSync(inA('dir/file'), 'content');
  writeFileSync(inA('dir/deep/big'), Buffer.alloc(3 << 20, 7));
  writeFileSync(Buffer.concat([Buffer.from(`${inA('')}/`), Uint8Array.of(0xff, 0x0a, 0xfe)]), 'odd name');
  symlinkSync('nowhere', inA('link'));
  writeFileSync(inA('one'), 'linked');
  linkSync(inA('one'), inA('two'));
  const fd = openSync(inA('sparse'), 'w');
  ftruncateSync(fd, 8 << 20);
  writeSync(fd, 'x', 4 << 20);
  closeSync(fd);
  execFileSync('mkfifo', [inA('fifo')]);
}

async function compared(options: CompareTreesOptions = {}) {
  const found: TreeDifference[] = [];
  const counts = await compareTrees(inA(''), inB(''), { ...options, onDifference: (one) => found.push(one) });
  const list = found.map(({ kind, path, weight }) => `${weight} ${kind} ${Buffer.from(path).toString('latin1')}`);
  return { counts, list, found };
}

/** Puts the time of a changed file back, so that nothing but the change itself can be seen. */
function keepingTime(path: string, change: () => void): void {
  const folder = join(path, '..');
  const times = [path, folder].map((one) => [one, lstatSync(one).mtime] as const);
  change();
  for (const [one, mtime] of times) lutimesSync(one, mtime, mtime);
}

describe.skipIf(!hasCopy)('comparison of trees', () => {
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'kh-compare-'));
    makeOriginal();
    // Whole seconds, which node:fs can set back exactly.
    for (const path of ['dir/file', 'dir/deep/big', 'dir/deep', 'dir', 'one', 'sparse', 'fifo', ''])
      utimesSync(inA(path), 5, 5);
    lutimesSync(inA('link'), 5, 5);
    execFileSync('cp', ['-a', inA(''), inB('')]);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  it('finds nothing in a faithful copy', async () => {
    const { counts, list } = await compared();
    expect(list).toEqual([]);
    expect(counts).toMatchObject({
      files: 6,
      directories: 3,
      others: 2,
      differences: 0,
      hints: 0,
      xattrsCompared: true,
    });
    expect(counts.bytes).toBe(7 + (3 << 20) + 8 + 6 + 6 + (8 << 20));
  });

  const changes: readonly (readonly [what: string, change: () => void])[] = [
    [
      'difference content dir/deep/big',
      () => keepingTime(inB('dir/deep/big'), () => flipByte(inB('dir/deep/big'), (3 << 20) - 1)),
    ],
    ['difference size dir/file', () => keepingTime(inB('dir/file'), () => appendFileSync(inB('dir/file'), 'x'))],
    ['difference missing dir/file', () => keepingTime(inB('dir'), () => unlinkThere('dir/file'))],
    ['difference extra dir/new', () => keepingTime(inB('dir'), () => writeThere('dir/new'))],
    ['difference mode dir/deep', () => chmodSync(inB('dir/deep'), 0o700)],
    ['difference mtime dir/file', () => utimesSync(inB('dir/file'), 5, 6)],
    ['difference mtime ', () => utimesSync(inB(''), 5, 6)],
    ['difference link-target link', () => keepingTime(inB(''), () => relink('elsewhere'))],
    ['difference type fifo', () => keepingTime(inB(''), () => replaceFifo())],
    ['difference hard-links two', () => keepingTime(inB(''), () => separate('two'))],
    ['hint holes sparse', () => keepingTime(inB('sparse'), () => writeFileSync(inB('sparse'), fullSparse()))],
  ];
  it.each(changes)('finds: %s', async (what, change) => {
    change();
    const { list, counts } = await compared();
    expect(list).toEqual([what]);
    expect(counts.differences + counts.hints).toBe(1);
  });

  it.skipIf(!hasXattr)('finds extended attributes missing, extra and different', async () => {
    execFileSync('setfattr', ['-n', 'user.same', '-v', 'x', inA('dir/file'), inB('dir/file')]);
    execFileSync('setfattr', ['-n', 'user.gone', '-v', 'x', inA('dir/file')]);
    execFileSync('setfattr', ['-n', 'user.value', '-v', 'x', inA('dir')]);
    execFileSync('setfattr', ['-n', 'user.value', '-v', 'y', inB('dir')]);
    execFileSync('setfattr', ['-n', 'user.extra', '-v', 'y', inB('sparse')]);
    const { found } = await compared();
    expect(found.map(({ kind, detail }) => `${kind} ${detail}`)).toEqual([
      'xattr user.value has another value',
      'xattr user.gone is missing',
      'xattr user.extra is extra',
    ]);
  });

  it('finds files that became one', async () => {
    writeFileSync(inA('dir/twin'), 'content');
    utimesSync(inA('dir/twin'), 5, 5);
    utimesSync(inA('dir'), 5, 5);
    keepingTime(inB('dir'), () => linkSync(inB('dir/file'), inB('dir/twin')));
    expect((await compared()).list).toEqual(['difference hard-links dir/twin']);
  });

  it('tells what was changed meanwhile from what came back wrong', async () => {
    const start = BigInt(Date.now()) * 1_000_000n + 10_000_000n;
    await new Promise((resolve) => setTimeout(resolve, 30));
    appendFileSync(inA('dir/file'), 'later');
    writeFileSync(inA('dir/late'), '');
    renameSync(inA('one'), inA('uno'));
    chmodSync(inB('sparse'), 0o600);
    const { list, counts } = await compared({ changedSince: start });
    expect(list.filter((one) => one.startsWith('difference'))).toEqual(['difference mode sparse']);
    expect(list).toContain('changed-meanwhile size dir/file');
    expect(list).toContain('changed-meanwhile missing dir/late');
    expect(list).toContain('changed-meanwhile extra one');
    expect(counts.changedMeanwhile).toBe(list.length - 1);
  });

  it('skips what it is told to, and ignores kinds and the top', async () => {
    writeThere('dir/new');
    chmodSync(inB('dir/file'), 0o600);
    utimesSync(inB(''), 5, 6);
    const skip = (path: Uint8Array) => Buffer.from(path).toString() === 'dir/new';
    const { list, counts } = await compared({ skip, ignore: ['mode', 'mtime'], top: 'ignore' });
    expect(list).toEqual([]);
    expect(counts.skipped).toBe(1);
  });

  it('compares below the longest path the system takes', async () => {
    const deep = Array.from({ length: 40 }, () => 'd'.repeat(200));
    for (const side of ['a', 'b']) {
      using target = openSide(side);
      for (let depth = 1; depth <= deep.length; depth++)
        target.makeDirectory(Buffer.from(deep.slice(0, depth).join('/')));
      writeWhole(target, [...deep, 'end'].join('/'), side);
    }
    const { list } = await compared({ ignore: ['mtime'] });
    expect(list).toEqual([`difference content ${[...deep, 'end'].join('/')}`]);
    for (const side of ['a', 'b']) {
      using target = openSide(side);
      target.remove(Buffer.from(deep[0] ?? ''));
    }
  });

  it('names what it cannot read, and stops when told to', async () => {
    await expect(compared({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    await expect(compareTrees(inA('dir/file'), inB(''))).rejects.toThrow(/ENOTDIR/);
    await expect(compareTrees(inA(''), inB('none'))).rejects.toThrow(/ENOENT/);
  });
});

function openSide(side: string) {
  const target = createTarget({ root: join(base, side), privileged: false, numericIds: true });
  return Object.assign(target, { [Symbol.dispose]: () => target.close() });
}

function flipByte(path: string, at: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Uint8Array.of(9), 0, 1, at);
  closeSync(fd);
}

function unlinkThere(path: string): void {
  unlinkSync(inB(path));
}

function writeThere(path: string): void {
  writeFileSync(inB(path), 'new');
}

function relink(target: string): void {
  unlinkSync(inB('link'));
  symlinkSync(target, inB('link'));
  lutimesSync(inB('link'), 5, 5);
}

function replaceFifo(): void {
  unlinkSync(inB('fifo'));
  writeFileSync(inB('fifo'), '');
}

function separate(name: string): void {
  unlinkSync(inB(name));
  copyFileSync(inB('one'), inB(name));
  utimesSync(inB(name), 5, 5);
}

function fullSparse(): Buffer {
  const content = Buffer.alloc(8 << 20);
  content.write('x', 4 << 20);
  return content;
}
