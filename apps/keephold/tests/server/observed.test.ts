/** What a server says of itself, in its log and to Prometheus, over a whole run: enough to run it, and nothing of anybody. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { type Commands, commandsIn } from './_commands.ts';
import { createSwitch } from './_switch.ts';

const PASSWORD = 'plover tangent ochre lagoon';
const WRONG = 'sparrow tangent umber lagoon';
const NAME = 'annabelle.observed';
const PHOTO = 2_000_000;

interface Said {
  /** What it printed: records in their order, each awaited. */
  readonly next: () => Promise<Readonly<Record<string, unknown>>>;
  readonly log: () => string;
}

function listenTo(server: ChildProcess): Said {
  let log = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const lines = createInterface({ input: server.stdout! })[Symbol.asyncIterator]();
  return {
    next: async () => JSON.parse(String((await lines.next()).value)) as Record<string, unknown>,
    log: () => log,
  };
}

/** Everything that looks like an id, a token, a proof or a key. */
function secretsIn(traffic: string): readonly string[] {
  return [...new Set(traffic.match(/[A-Za-z0-9_-]{22,}/g) ?? [])];
}

async function useEverything(home: string, url: string, invitation: string): Promise<void> {
  const repo = ['--repo', url];
  const computer = (name: string, password: string): Commands => commandsIn(join(home, name), password);
  await computer('own', PASSWORD).run('init', ...repo, '--invitation', invitation, '--account', NAME, '--trusted');
  await computer('lost', PASSWORD).run('login', url, '--account', NAME);
  await computer('lost', PASSWORD).run('backup', ...repo, join(home, 'diary'));
  const listed = (await computer('own', PASSWORD).run('device', 'list', '--json', ...repo)).trim().split('\n');
  const lost = listed.map((line) => JSON.parse(line) as { id: string; thisDevice: boolean }).find((d) => !d.thisDevice);
  await computer('own', PASSWORD).run('device', 'revoke', ...repo, lost?.id ?? '');
  await expect(computer('lost', PASSWORD).run('backup', ...repo, join(home, 'diary'))).rejects.toThrow(/session/);
  await computer('own', PASSWORD).run('restore', ...repo, 'latest', '--target', join(home, 'target'));
  const nonsense = { method: 'POST', body: JSON.stringify({ name: NAME, password: WRONG }) };
  expect((await fetch(`${url}/v1/sign-in/finish`, nonsense)).status).toBe(400);
  const nowhere = await fetch(`${url}/v1/nowhere/kestrel?query=kestrel`, { headers: { authorization: 'kestrel' } });
  expect(nowhere.status).toBe(404);
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
}

it('logs and measures a whole run without an id, a name, a path or a secret in it', { timeout: 240_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'keephold-observed-'));
  await mkdir(join(home, 'diary'));
  await writeFile(join(home, 'diary', 'holiday.jpg'), randomBytes(PHOTO));
  const options = ['--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--log-level', 'debug'];
  const server = commandsIn(home).start('serve', '--json', '--data', join(home, 'srv'), ...options);
  const { next, log } = listenTo(server);
  const { url, invitation } = await next();
  const { url: metricsUrl } = await next();
  let traffic = '';
  await using tapped = await createSwitch(String(url), (bytes) => {
    traffic += bytes.toString('latin1');
  });
  await useEverything(home, tapped.url, String(invitation));
  const metrics = await (await fetch(String(metricsUrl))).text();
  expect((await fetch(String(metricsUrl).replace('/metrics', '/'))).status).toBe(404);
  server.kill('SIGTERM');
  expect(await once(server, 'close')).toEqual([0, null]);

  const files = await readdir(join(home, 'own'), { recursive: true });
  const words = await readFile(
    join(home, 'own', files.find((name) => name.endsWith('recovery-words.txt')) ?? ''),
    'utf8',
  );
  const secrets = [
    ...secretsIn(traffic),
    ...[PASSWORD, WRONG, NAME, String(invitation), home, 'diary', 'holiday', 'kestrel', 'DPoP'],
    ...(words.match(/(?:[a-z]+ ){3}[a-z]+/g) ?? []),
  ];
  expect(secrets.length).toBeGreaterThan(100);
  for (const secret of secrets) {
    expect(log()).not.toContain(secret);
    expect(metrics).not.toContain(secret);
  }

  const lines = log()
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const requests = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'request');
  for (const line of requests) {
    expect(line).toMatchObject({ reqId: expect.stringMatching(/^[0-9a-f]{16}$/), status: expect.any(Number) });
    expect(line).toMatchObject({ level: 30, time: expect.any(Number), ms: expect.any(Number) });
  }
  expect(new Set(requests.map(({ reqId }) => reqId)).size).toBe(requests.length);
  expect(requests.map(({ route, status }) => `${String(route)} ${String(status)}`)).toEqual(
    expect.arrayContaining([
      '/v1/vaults/:vault/packs/:pack 204',
      '/v1/sign-in/finish 400',
      '/v1/sessions 401',
      'undefined 404',
    ]),
  );

  const valueOf = (series: string): number =>
    Number(
      metrics
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length),
    );
  const puts = requests.filter(({ method, route }) => method === 'PUT' && route === '/v1/vaults/:vault/packs/:pack');
  expect(valueOf('keephold_http_requests_total{method="PUT",route="/v1/vaults/:vault/packs/:pack",status="204"}')).toBe(
    puts.length,
  );
  expect(valueOf('keephold_http_requests_total{method="none",route="none",status="404"}')).toBe(2);
  expect(valueOf('keephold_http_received_bytes_total')).toBeGreaterThan(PHOTO);
  expect(valueOf('keephold_http_sent_bytes_total')).toBeGreaterThan(PHOTO);
  expect(valueOf('keephold_repository_seconds_count{call="putPack"}')).toBe(puts.length);
  expect(valueOf('keephold_database_seconds_count{use="transaction",outcome="done"}')).toBeGreaterThan(3);
  expect(valueOf('keephold_sessions')).toBeGreaterThan(0);
  for (const name of ['transfers_running', 'transfers_waiting', 'collections_due'])
    expect(valueOf(`keephold_${name}`)).toBe(0);
  expect(metrics).toMatch(/^nodejs_eventloop_lag_seconds /m);
  expect(metrics).toMatch(/^process_resident_memory_bytes /m);
  await rm(home, { recursive: true, force: true });
});
