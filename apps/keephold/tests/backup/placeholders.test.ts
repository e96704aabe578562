/** Files of cloud storage whose content is elsewhere are named in the snapshot and not opened, which would fetch it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { readBack } from './_read-back.ts';
import { truthOf } from './_snapshot-truth.ts';

/** FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS with FILE_ATTRIBUTE_ARCHIVE, as CIFS shows it: little-endian. */
const RECALLED = '0x20004000';
const OFFLINE = '0x20100000';
const ARCHIVE = '0x20000000';

let backups: BackupRepository;
let root: string;

beforeAll(async () => {
  backups = await BackupRepository.create();
});
afterAll(() => backups[Symbol.dispose]());
beforeEach(() => {
  root = mkdtempSync(join(backups.folder, 'data-'));
});

/** Undefined where the file system of the test has no such attributes. */
function mark(name: string, attribute: string, value: string): boolean {
  try {
    execFileSync('setfattr', ['-n', attribute, '-v', value, join(root, name)], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(`skipped: needs setfattr, and ${attribute} on ${tmpdir()}`);
    return false;
  }
}

function sparse(name: string, size: number): void {
  writeFileSync(join(root, name), '');
  truncateSync(join(root, name), size);
}

/** What the snapshot says of each file. */
async function notes(): Promise<Record<string, string | undefined>> {
  const files = await readBack(backups, root);
  return Object.fromEntries([...files].map(([name, { node }]) => [name, node.note]));
}

it('notes files of Windows drives that would be recalled, and reads those that only look alike', async () => {
  for (const name of ['recalled', 'offline', 'holes', 'archive']) sparse(name, 50_000_000);
  if (!mark('recalled', 'user.cifs.dosattrib', RECALLED)) return;
  mark('offline', 'user.cifs.dosattrib', OFFLINE);
  mark('archive', 'user.cifs.dosattrib', ARCHIVE);
  writeFileSync(join(root, 'here'), 'x'.repeat(10_000));
  // A file with content was fetched, whatever is left of its mark.
  mark('here', 'user.cifs.dosattrib', RECALLED);
  const before = new Map(['recalled', 'offline'].map((name) => [name, statSync(join(root, name))]));
  const report = await backups.backup({ roots: [root] });
  expect(report.captured).toEqual({ live: 0, sqliteBackup: 0, placeholder: 2 });
  expect(
    report.notes.map(({ path, note }) => [
      Buffer.from(path)
        .toString()
        .slice(root.length + 1),
      note,
    ]),
  ).toEqual([
    ['offline', 'lives in the storage behind its Windows drive, not captured'],
    ['recalled', 'lives in the storage behind its Windows drive, not captured'],
  ]);
  expect(await notes()).toEqual({
    archive: undefined,
    here: undefined,
    holes: undefined,
    offline: 'placeholder',
    recalled: 'placeholder',
  });
  for (const [name, { atimeMs }] of before) expect(statSync(join(root, name)).atimeMs).toBe(atimeMs);
});

it('notes what Nextcloud and ownCloud keep as names only, and reads other files of one byte', async () => {
  for (const name of ['photo.jpg.nextcloud', 'film.mp4.owncloud', 'one', 'marked'])
    writeFileSync(join(root, name), ' ');
  writeFileSync(join(root, 'longer.nextcloud'), 'a file of somebody');
  writeFileSync(join(root, 'empty.nextcloud'), '');
  const isMarked = mark('marked', 'user.nextcloud.hydrate_exec', 'nextcloud');
  const report = await backups.backup({ roots: [root] });
  expect(report.captured.placeholder).toBe(isMarked ? 3 : 2);
  expect(await notes()).toEqual({
    'empty.nextcloud': undefined,
    'film.mp4.owncloud': 'placeholder',
    'longer.nextcloud': undefined,
    marked: isMarked ? 'placeholder' : undefined,
    one: undefined,
    'photo.jpg.nextcloud': 'placeholder',
  });
});

it('reads a file once its content is there', async () => {
  const name = 'photo.jpg.nextcloud';
  writeFileSync(join(root, name), ' ');
  await backups.backup({ roots: [root] });
  const unchanged = await backups.backup({ roots: [root] });
  expect(unchanged.bytesRead).toBe(0);
  writeFileSync(join(root, name), 'a photo');
  const report = await backups.backup({ roots: [root] });
  expect(report.captured.placeholder).toBe(0);
  expect((await readBack(backups, root)).get(name)!.bytes.toString()).toBe('a photo');
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});
