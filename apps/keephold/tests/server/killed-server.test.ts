/** From nothing to a restored folder by commands alone, with the server killed, or stopped, while it takes a backup. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandsIn, firstRecord, outputOf } from './_commands.ts';

const FILES = 8;
const FILE_LENGTH = 8_000_000;

it.each([
  { how: 'killed', by: 'SIGKILL', ends: [null, 'SIGKILL'] },
  { how: 'stopped', by: 'SIGTERM', ends: [0, null] },
] as const)(
  'loses nothing when the server is $how during a backup and started again',
  {
    timeout: 180_000,
  },
  async ({ by, ends }) => {
    const home = await mkdtemp(join(tmpdir(), 'keephold-killed-'));
    const { start, run } = commandsIn(home);
    const [data, source, target] = ['srv', 'source', 'target'].map((name) => join(home, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(source);
    const contents = Array.from({ length: FILES }, () => randomBytes(FILE_LENGTH));
    for (const [index, content] of contents.entries()) await writeFile(join(source, `${index}`), content);

    const first = start('serve', '--json', '--data', data, '--listen', '127.0.0.1:0');
    const { url, invitation } = await firstRecord(first);
    const repo = ['--repo', String(url)];
    await run('init', ...repo, '--invitation', String(invitation), '--trusted');

    const backup = outputOf(start('backup', ...repo, source));
    await packIn(join(data, 'accounts'));
    first.kill(by);
    expect(await once(first, 'close')).toEqual(ends);
    const second = start('serve', '--json', '--data', data, '--listen', new URL(String(url)).host);
    expect((await firstRecord(second))['invitation']).toBeNull();

    await backup;
    await run('check', ...repo, '--read-data');
    await run('restore', ...repo, 'latest', '--target', target);
    for (const [index, content] of contents.entries()) {
      expect(content.equals(await readFile(join(target, source, `${index}`)))).toBe(true);
    }
    second.kill('SIGTERM');
    expect(await once(second, 'close')).toEqual([0, null]);
    await rm(home, { recursive: true, force: true });
  },
);

/** Resolves when the first pack lies there: others are on their way then. */
async function packIn(folder: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, { recursive: true }, (_, name) => {
      if (!String(name).includes('packs')) return;
      watcher.close();
      resolve();
    });
  });
}
