/** The model of what a crash leaves, and the reading of recordings: both must be right, or the crash tests prove nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Crash, imageAfter } from './crash-state.ts';
import { DiskImage } from './disk-image.ts';
import type { FileOperation } from './file-operation.ts';
import { interpretCalls } from './interpret-calls.ts';
import { SeededRandom } from './seeded-random.ts';
import { parseStraceLog } from './strace-log.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-model-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hex = (text: string): string =>
  `"${[...Buffer.from(text, 'latin1')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;

function recorded(lines: readonly string[]): {
  readonly before: DiskImage;
  readonly operations: readonly FileOperation[];
} {
  const before = DiskImage.read(folder, () => false);
  const options = { folder, isLeftOut: () => false, before, workingFolder: '/' };
  return { before, operations: interpretCalls(parseStraceLog(lines.join('\n')), options) };
}

/** Names and contents of the files at the top. */
function filesAfter(
  { before, operations }: ReturnType<typeof recorded>,
  crash: Crash,
  seed = 1,
): Record<string, string> {
  const image = imageAfter(before, operations, crash, new SeededRandom(seed));
  const files = [...image.folder(0)].map(([name, inode]): [string, string] => [
    name,
    image.node(inode).data.toString(),
  ]);
  return Object.fromEntries(files);
}

const at = (name: string): string => hex(`${folder}/${name}`);
const replacing = (): readonly string[] => [
  `10 openat(AT_FDCWD, ${hex(folder)}, O_RDONLY|O_CLOEXEC) = 4`,
  `10 openat(AT_FDCWD, ${at('new')}, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3`,
  `10 write(3, ${hex('12345678')}, 8) = 8`,
  `10 fsync(3) = 0`,
  `10 rename(${at('new')}, ${at('file')}) = 0`,
  `10 fsync(4) = 0`,
  `10 write(1, ${hex('done\n')}, 5) = 5`,
];

describe('a kill', () => {
  test('leaves what was done, and half of what was being written', () => {
    writeFileSync(join(folder, 'file'), 'old');
    const recording = recorded(replacing());
    const kill = (position: number, half = false): Crash => ({ kind: 'kill', at: position, half });
    expect(filesAfter(recording, kill(0))).toEqual({ file: 'old' });
    expect(filesAfter(recording, kill(1))).toEqual({ file: 'old', new: '' });
    expect(filesAfter(recording, kill(1, true))).toEqual({ file: 'old', new: '1234' });
    expect(filesAfter(recording, kill(2))).toEqual({ file: 'old', new: '12345678' });
    expect(filesAfter(recording, kill(4))).toEqual({ file: '12345678' });
  });
});

describe('a loss of power', () => {
  const lost = (position: number, keeps: 'nothing' | 'names' | 'some'): Crash => ({
    kind: 'power-loss',
    at: position,
    keeps,
  });

  test('takes contents and names that were not synced', () => {
    writeFileSync(join(folder, 'file'), 'old');
    const recording = recorded(replacing());
    expect(filesAfter(recording, lost(2, 'nothing'))).toEqual({ file: 'old' });
    expect(filesAfter(recording, lost(2, 'names'))).toEqual({ file: 'old', new: '\0'.repeat(8) });
    expect(filesAfter(recording, lost(4, 'nothing'))).toEqual({ file: 'old' });
    expect(filesAfter(recording, lost(4, 'names'))).toEqual({ file: '12345678' });
    expect(filesAfter(recording, lost(6, 'nothing'))).toEqual({ file: '12345678' });
  });

  test('shows a file that was renamed before it was synced as zeros', () => {
    const lines = replacing().filter((line) => !line.includes('fsync(3)'));
    expect(filesAfter(recorded(lines), lost(lines.length - 1, 'nothing'))).toEqual({ file: '' });
    expect(filesAfter(recorded(lines), lost(lines.length - 1, 'names'))).toEqual({ file: '\0'.repeat(8) });
  });

  test('tears writes at blocks', () => {
    const lines = [
      `10 openat(AT_FDCWD, ${at('f')}, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3`,
      `10 openat(AT_FDCWD, ${hex(folder)}, O_RDONLY|O_CLOEXEC) = 4`,
      `10 fsync(4) = 0`,
      `10 pwrite64(3, ${hex('x'.repeat(20_000))}, 20000, 0) = 20000`,
    ];
    const recording = recorded(lines);
    const seen = new Set(
      Array.from({ length: 40 }, (_, seed) => filesAfter(recording, lost(3, 'some'), seed)['f'] ?? ''),
    );
    expect(seen.size).toBeGreaterThan(20);
    for (const content of seen) {
      for (let block = 0; block < content.length; block += 512)
        expect(new Set(content.slice(block, block + 512)).size).toBe(1);
    }
  });

  test('may take what was written while a sync ran', () => {
    const lines = [
      ...replacing().slice(0, 3),
      `10 fsync(3 <unfinished ...>`,
      `11 pwrite64(3, ${hex('late')}, 4, 0) = 4`,
      `10 <... fsync resumed>) = 0`,
      `10 fsync(4) = 0`,
    ];
    expect(filesAfter(recorded(lines), lost(5, 'nothing'))).toEqual({ new: '12345678' });
  });
});

describe('a recording', () => {
  test('follows files by number, over renames and in several threads', () => {
    const { operations } = recorded([
      `10 openat(AT_FDCWD, ${at('a')}, O_RDWR|O_CREAT|O_CLOEXEC, 0644 <unfinished ...>`,
      `11 mkdir(${at('d')}, 0700) = 0`,
      `10 <... openat resumed>) = 5`,
      `11 rename(${at('a')}, ${at('d/b')}) = 0`,
      `10 write(5, ${hex('one, "two"')}, 10) = 10`,
      `10 write(5, ${hex('!')}, 1) = 1`,
      `10 openat(AT_FDCWD, ${at('none')}, O_RDONLY) = -1 ENOENT (No such file or directory)`,
      `10 write(1, ${hex('done\n')}, 5) = 5`,
    ]);
    expect(operations).toMatchObject([
      { kind: 'make', inode: 1, made: 'folder' },
      { kind: 'make', inode: 2, made: 'file' },
      { kind: 'move', inode: 2, to: { folder: 1, name: 'b' } },
      { kind: 'write', inode: 2, offset: 0, bytes: Buffer.from('one, "two"') },
      { kind: 'write', inode: 2, offset: 10 },
      { kind: 'print', text: 'done\n' },
    ]);
  });

  test('takes first what had taken effect before its end was noticed', () => {
    const { operations } = recorded([
      `10 mkdir(${at('d')}, 0700 <unfinished ...>`,
      `11 mkdir(${at('d/e')}, 0700) = 0`,
      `11 openat(AT_FDCWD, ${at('d/f')}, O_WRONLY|O_CREAT, 0600) = 3`,
      `10 <... mkdir resumed>) = 0`,
      `10 close(3 <unfinished ...>`,
      `11 openat(AT_FDCWD, ${at('g')}, O_WRONLY|O_CREAT, 0600) = 3`,
      `10 <... close resumed>) = 0`,
      `11 write(3, ${hex('x')}, 1) = 1`,
    ]);
    expect(operations).toMatchObject([
      { kind: 'make', inode: 1, at: { name: 'd' } },
      { kind: 'make', inode: 2, at: { name: 'e' } },
      { kind: 'make', inode: 3, at: { name: 'f' } },
      { kind: 'make', inode: 4, at: { name: 'g' } },
      { kind: 'write', inode: 4 },
    ]);
    expect(() => recorded([`10 mkdir(${at('d/e')}, 0700) = 0`])).toThrow('no folder');
  });

  test('that has a call which is not known is refused', () => {
    expect(() => recorded([`10 frobnicate(3) = 0`])).toThrow('frobnicate');
  });
});
