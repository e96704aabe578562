/** A standby of PostgreSQL takes over while a backup runs: clients ask again, and nothing that was confirmed is lost. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasPostgres, postgresNote, startPostgres } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { commandsIn, firstRecord, outputOf } from './_commands.ts';
import { createSwitch } from './_switch.ts';

const FILES = 6;
const FILE_LENGTH = 8_000_000;

it.runIf(hasPostgres)(
  `goes on with a backup at the standby when the primary crashes${postgresNote}`,
  {
    timeout: 240_000,
  },
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'keephold-failover-'));
    const contents = Array.from({ length: FILES }, () => randomBytes(FILE_LENGTH));
    await mkdir(join(home, 'source'));
    for (const [index, content] of contents.entries()) await writeFile(join(home, 'source', `${index}`), content);
    await using primary = await startPostgres();
    const database = new URL(await primary.newDatabase());
    await using standby = await primary.standby();
    await using address = await createSwitch(database.href);
    database.port = new URL(address.url).port;

    const commands = commandsIn(home, undefined, { KEEPHOLD_DATABASE: database.href });
    const server = commands.start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0');
    const packStored = Promise.withResolvers<void>();
    server.stderr?.on('data', (text: Buffer) => {
      if (text.includes('/packs/:pack')) packStored.resolve();
    });
    const { url, invitation } = await firstRecord(server);
    const repo = ['--repo', String(url)];
    await commands.run('init', ...repo, '--invitation', String(invitation), '--account', 'ann', '--trusted');
    // So slow that it goes on for seconds after the first pack.
    const limit = ['--limit-upload', '10MB'];
    let isDone = false;
    const backup = outputOf(commands.start('backup', ...repo, ...limit, join(home, 'source'))).then(() => {
      isDone = true;
    });
    await packStored.promise;
    await primary.stop('immediate');
    await standby.promote();
    expect(isDone).toBe(false);
    address.to(`postgres://127.0.0.1:${standby.port}`);
    await backup;

    // The account, made before, is there as well: another computer signs in.
    const other = commandsIn(join(home, 'other'));
    await other.run('login', String(url), '--account', 'ann');
    await other.run('check', ...repo, '--read-data');
    await other.run('restore', ...repo, 'latest', '--target', join(home, 'target'));
    for (const [index, content] of contents.entries()) {
      expect(content.equals(await readFile(join(home, 'target', home, 'source', `${index}`)))).toBe(true);
    }
    server.kill('SIGTERM');
    expect(await once(server, 'close')).toEqual([0, null]);
    await rm(home, { recursive: true, force: true });
  },
);
