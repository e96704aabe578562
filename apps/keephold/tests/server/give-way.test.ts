/** Uploads over a real line with a queue: they leave it short for others, or they do not. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { slowLine } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { sendByNode } from '../../src/access/send-by-node.ts';
import { openUploadLine, type UploadWish } from '../../src/access/write-limit.ts';
import { commandsIn, firstRecord, outputOf } from './_commands.ts';

const RATE = 400_000;
const nothing: UploadWish = { limits: [], givesWay: false };

/** Sends bodies, several at once as a backup does, and tells how long others would have waited in the queue meanwhile. */
async function waitsOf(wish: UploadWish, bodies: number): Promise<readonly number[]> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await using line = await slowLine(target, { rate: RATE, room: RATE });
  const { origin } = line;
  using upload = await openUploadLine({
    wish: () => wish,
    origin,
    signal: new AbortController().signal,
    now: Date.now,
  });
  const send = sendByNode(upload.writeLimit);
  const put = { url: `${origin}/pack`, method: 'PUT', headers: {}, body: new Uint8Array(600_000) };
  const answers = Array.from(
    { length: bodies },
    async () => await send({ ...put, signal: AbortSignal.timeout(60_000) }),
  );
  for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
  server.closeAllConnections();
  server.close();
  return line.waits;
}

function usual(waits: readonly number[]): number {
  return waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] ?? 0;
}

it('with --give-way the queue of a line stays short, which is full without', { timeout: 60_000 }, async () => {
  const without = usual(await waitsOf(nothing, 3));
  const withIt = usual(await waitsOf({ ...nothing, givesWay: true }, 3));
  expect(without).toBeGreaterThan(500);
  expect(withIt).toBeLessThan(without / 3);
});

it('a backup takes an edit of the limit of its plan while it goes on', { timeout: 120_000 }, async () => {
  const home = mkdtempSync(join(tmpdir(), 'keephold-limit-'));
  const commands = commandsIn(home);
  const server = commands.start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0');
  const hasBegun = Promise.withResolvers<void>();
  server.stderr?.on('data', (text: Buffer) => {
    if (text.includes('/objects/:object')) hasBegun.resolve();
  });
  try {
    const { url, invitation } = await firstRecord(server);
    const repo = ['--repo', String(url)];
    await commands.run('init', ...repo, '--invitation', String(invitation), '--account', 'ann');
    mkdirSync(join(home, 'source'));
    writeFileSync(join(home, 'source', 'video'), randomBytes(4_000_000));
    await expect(
      commands.run('plan', 'add', 'p', join(home, 'source'), ...repo, '--limit-upload', '3KB'),
    ).rejects.toThrow('a server takes no less');
    await commands.run('plan', 'add', 'p', join(home, 'source'), ...repo, '--limit-upload', '4KB', '--give-way');
    expect(await commands.run('plan', 'show', 'p')).toMatch(
      /upload {4}at most 4.00 kB a second\n +upload {4}makes room/,
    );
    let isDone = false;
    const backup = outputOf(commands.start('backup', '--plan', 'p')).then(() => {
      isDone = true;
    });
    // When it sends. At 4 KB a second it would go on for a quarter of an hour.
    await hasBegun.promise;
    await wait(1000);
    expect(isDone).toBe(false);
    await commands.run('plan', 'edit', 'p', '--limit-upload', 'off', '--no-give-way');
    expect(await commands.run('plan', 'show', 'p')).not.toContain('upload');
    await backup;
  } finally {
    server.kill('SIGTERM');
    await once(server, 'close');
    rmSync(home, { recursive: true, force: true });
  }
});
