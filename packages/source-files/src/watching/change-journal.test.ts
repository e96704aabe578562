import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchCalls } from '@keephold/ffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChangeJournal, type ToldChanges } from './change-journal.ts';

const isPossible = watchCalls() !== undefined;
if (!isPossible) console.warn('skipped: needs inotify');

let root: string;
let journal: ChangeJournal;
const snapshot = (n: number): Uint8Array => new Uint8Array(32).fill(n);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keephold-journal-'));
  for (const folder of ['a', 'b']) mkdirSync(join(root, folder));
  journal = new ChangeJournal({ roots: [Buffer.from(root)], skips: () => false });
});
afterEach(async () => {
  await journal[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const change = (folder: string, name = 'file'): void => writeFileSync(join(root, folder, name), '');
const foldersOf = (told: ToldChanges | undefined): unknown =>
  told &&
  told.folders
    .map((path) =>
      Buffer.from(path)
        .toString()
        .slice(root.length + 1),
    )
    .sort();

describe.skipIf(!isPossible)('a journal of changes', () => {
  it('has nothing to tell before the first snapshot, then what changed since the last', async () => {
    expect(await journal.before()).toBeUndefined();
    change('a');
    journal.after(snapshot(1));
    change('b');
    const told = await journal.before();
    expect(told?.since).toEqual(snapshot(1));
    expect(foldersOf(told)).toEqual(['a', 'b']);
    journal.after(snapshot(2));
    expect(await journal.before()).toEqual({ since: snapshot(2), folders: [], trees: [] });
  });

  it('tells again what a run was told that made no snapshot', async () => {
    await journal.before();
    journal.after(snapshot(1));
    change('a');
    expect(foldersOf(await journal.before())).toEqual(['a']);
    journal.after(undefined);
    change('b');
    const told = await journal.before();
    expect(told?.since).toEqual(snapshot(1));
    expect(foldersOf(told)).toEqual(['a', 'b']);
  });

  it('tells nothing after a run that had to look at everything and failed', async () => {
    await journal.before();
    journal.after(undefined);
    expect(await journal.before()).toBeUndefined();
  });

  it('begins anew when more changed at once than the kernel keeps', async () => {
    const most = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
    await journal.before();
    journal.after(snapshot(1));
    for (const folder of ['a', 'b']) change(folder);
    await journal.before();
    journal.after(snapshot(2));
    // All of it before the thread that reads can hand over what it has.
    for (let i = 0; i < most * 2; i++) utimesSync(join(root, i % 2 === 0 ? 'a' : 'b', 'file'), i, i);
    expect(await journal.before()).toBeUndefined();
    expect(journal.problem).toBeUndefined();
    journal.after(snapshot(3));
    change('a', 'new');
    const told = await journal.before();
    expect(told?.since).toEqual(snapshot(3));
    expect(foldersOf(told)).toEqual(['a']);
  });

  it('does not take a root for watched that was not there, or was a file', async () => {
    const later = join(root, 'later');
    writeFileSync(later, '');
    await using others = new ChangeJournal({ roots: [Buffer.from(later)], skips: () => false });
    for (const make of [(): unknown => rmSync(later), (): unknown => mkdirSync(later)]) {
      await others.before();
      others.after(snapshot(1));
      make();
    }
    expect(await others.before()).toBeUndefined();
    others.after(snapshot(2));
    writeFileSync(join(later, 'file'), '');
    expect((await others.before())?.folders.map((path) => Buffer.from(path).toString())).toEqual([later]);
  });

  it('says why when a root is not there, and goes on when it is again', async () => {
    await journal.before();
    journal.after(snapshot(1));
    renameSync(root, `${root}-away`);
    expect(await journal.before()).toBeUndefined();
    renameSync(`${root}-away`, root);
    expect(await journal.before()).toBeUndefined();
    journal.after(snapshot(2));
    expect(await journal.before()).toMatchObject({ since: snapshot(2) });
  });
});
