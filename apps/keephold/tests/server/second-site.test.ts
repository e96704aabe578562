/** The second site restores by itself: with the server killed and all of its data gone, by the 24 words alone. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Backend } from '@keephold/backend';
import { emptied, s3Note, s3Options, testStore } from '@keephold/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Commands, commandsIn, firstRecord } from './_commands.ts';

interface Site {
  readonly place: string;
  readonly variables: Readonly<Record<string, string>>;
}

describe('a second site', () => {
  let home: string;
  let servers: ChildProcess[];
  let bucket: S3Backend | undefined;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'keephold-site-'));
    [servers, bucket] = [[], undefined];
    await mkdir(join(home, 'source'));
    await writeFile(join(home, 'source', 'photo'), randomBytes(3_000_000));
    await writeFile(join(home, 'source', 'letter'), 'dear all');
  });
  afterEach(async () => {
    for (const server of servers) server.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
    if (bucket !== undefined) await emptied(bucket);
  });

  const siteOf = (kind: 'a folder' | 'S3'): Site => {
    if (kind === 'a folder') return { place: join(home, 'site'), variables: {} };
    const options = s3Options();
    bucket = new S3Backend(options);
    const { endpoint, prefix, accessKeyId, secretAccessKey } = options;
    const place = `s3://${endpoint.host}/${options.bucket}/${prefix}?tls=no`;
    return { place, variables: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } };
  };

  /** Makes an account with one snapshot; answers its words. */
  const signUp = async (
    { run }: Commands,
    url: string,
    { invitation, name }: { readonly invitation: string; readonly name: string },
  ): Promise<string> => {
    await run('init', '--repo', url, '--invitation', invitation, '--account', name, '--trusted');
    await run('backup', '--repo', url, join(home, 'source'));
    const files = await readdir(join(home, name), { recursive: true });
    return join(home, name, files.find((file) => file.endsWith('recovery-words.txt')) ?? 'none');
  };

  const untilCopied = async (url: string): Promise<void> => {
    for (;;) {
      const { replica } = (await (await fetch(`${url}/health`)).json()) as { replica?: { vaults: number } };
      if (replica?.vaults === 0) return;
      await sleep(100);
    }
  };

  const expectRestores = async (kind: 'a folder' | 'S3'): Promise<void> => {
    const site = siteOf(kind);
    const atServer = commandsIn(join(home, 'server'), undefined, site.variables);
    const data = join(home, 'srv');
    const server = atServer.start(
      ...['serve', '--json', '--data', data, '--listen', '127.0.0.1:0', '--replicate', site.place],
    );
    servers.push(server);
    const { url, invitation } = await firstRecord(server);
    const ann = commandsIn(join(home, 'ann'));
    const words = await signUp(ann, String(url), { invitation: String(invitation), name: 'ann' });
    const asked = await ann.run('admin', 'invite', '--repo', String(url), '--json');
    const { code } = JSON.parse(asked.split('\n')[0] ?? '') as { code: string };
    const bob = commandsIn(join(home, 'bob'));
    await signUp(bob, String(url), { invitation: code, name: 'bob' });
    await untilCopied(String(url));

    server.kill('SIGKILL');
    await once(server, 'close');
    for (const gone of ['srv', 'server']) await rm(join(home, gone), { recursive: true, force: true });
    const blank = commandsIn(join(home, 'blank'), '', { ...site.variables, KEEPHOLD_PASSWORD_FILE: words });
    const repo = ['--repo', site.place];
    expect(await blank.run('snapshots', ...repo)).toContain('source');
    expect(await blank.run('ls', ...repo, 'latest')).toContain('letter');
    await blank.run('check', ...repo, '--read-data');
    await blank.run('restore', ...repo, 'latest', '--target', join(home, 'target'));
    for (const file of ['photo', 'letter']) {
      const path = join(home, 'source', file);
      expect((await readFile(join(home, 'target', path))).equals(await readFile(path))).toBe(true);
    }
  };

  it('in a folder', { timeout: 120_000 }, async () => await expectRestores('a folder'));
  it.skipIf(testStore === undefined)(`in S3${s3Note}`, { timeout: 120_000 }, async () => await expectRestores('S3'));
});
