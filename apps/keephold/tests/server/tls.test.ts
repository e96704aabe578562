/** TLS by the server itself: what it speaks, whom clients believe, and a certificate that is renewed while it runs. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandsIn, firstRecord } from './_commands.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'keephold-tls-'));
  for (const name of ['first', 'second']) makeCertificate(name);
  copyFileSync(join(home, 'first.crt'), join(home, 'used.crt'));
  copyFileSync(join(home, 'first.key'), join(home, 'used.key'));
});
afterAll(async () => await rm(home, { recursive: true, force: true }));

function makeCertificate(name: string): void {
  const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=test'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  const [key, chain] = [join(home, `${name}.key`), join(home, `${name}.crt`)];
  execFileSync('openssl', ['req', '-x509', ...options, ...names, '-keyout', key, '-out', chain], { stdio: 'pipe' });
  chmodSync(key, 0o600);
}

const tlsFiles = (): readonly string[] => ['--tls-cert', join(home, 'used.crt'), '--tls-key', join(home, 'used.key')];

interface Spoken {
  readonly protocol: string | null;
  readonly application: string | false | null;
  readonly fingerprint: string;
}

async function handshake(url: string, options: ConnectionOptions = {}): Promise<Spoken> {
  const port = Number(new URL(url).port);
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const { fingerprint256: fingerprint } = socket.getPeerCertificate();
  const spoken = { protocol: socket.getProtocol(), application: socket.alpnProtocol, fingerprint };
  socket.destroy();
  return spoken;
}

it('serves devices that know the authority, and renews its certificate when it is told to', async () => {
  const commands = commandsIn(home, undefined, { NODE_EXTRA_CA_CERTS: join(home, 'first.crt') });
  const server = commands.start(
    ...['serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0', ...tlsFiles()],
  );
  let said = '';
  const told = Promise.withResolvers<void>();
  const renewed = Promise.withResolvers<void>();
  server.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('"not renewed"')) told.resolve();
    if (said.includes('"renewed"')) renewed.resolve();
  });
  const { url, invitation } = await firstRecord(server);
  const repo = ['--repo', String(url)];
  expect(String(url)).toMatch(/^https:/);

  // Hybrid key exchange alone, and nothing below TLS 1.3.
  const hybrid = await handshake(String(url), { ecdhCurve: 'X25519MLKEM768', ALPNProtocols: ['h2', 'http/1.1'] });
  expect(hybrid).toMatchObject({ protocol: 'TLSv1.3', application: 'http/1.1' });
  await expect(handshake(String(url), { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert|version/i);

  // Who does not know the authority sends nothing, and is told why.
  const stranger = commandsIn(home);
  const refused = await stranger.run('init', ...repo, '--invitation', String(invitation)).then(String, String);
  expect(refused).toMatch(/certificate that it signed itself/);
  expect(refused).toMatch(/NODE_EXTRA_CA_CERTS/);

  await commands.run('init', ...repo, '--invitation', String(invitation), '--trusted');
  writeFileSync(join(home, 'note'), 'kept over TLS');
  await commands.run('backup', ...repo, join(home, 'note'));

  // A key that does not belong to the certificate changes nothing.
  const before = (await handshake(String(url))).fingerprint;
  copyFileSync(join(home, 'second.crt'), join(home, 'used.crt'));
  server.kill('SIGHUP');
  await told.promise;
  expect((await handshake(String(url))).fingerprint).toBe(before);
  copyFileSync(join(home, 'second.key'), join(home, 'used.key'));
  server.kill('SIGHUP');
  await renewed.promise;
  expect((await handshake(String(url))).fingerprint).not.toBe(before);

  const later = commandsIn(home, undefined, { NODE_EXTRA_CA_CERTS: join(home, 'second.crt') });
  await later.run('restore', ...repo, 'latest', '--target', join(home, 'target'));
  expect(readFileSync(join(home, 'target', home, 'note'), 'utf8')).toBe('kept over TLS');
  server.kill('SIGTERM');
  expect(await once(server, 'close')).toEqual([0, null]);
}, 120_000);

it.each([
  ['one without the other', ['--tls-cert', 'x'], /both --tls-cert and --tls-key/],
  ['a key of another certificate', ['--tls-cert', 'first.crt', '--tls-key', 'second.key'], /cannot be used.*mismatch/],
  ['a key that everybody can read', ['--tls-cert', 'first.crt', '--tls-key', 'public.key'], /by everybody/],
])('refuses %s', async (_, files, says) => {
  copyFileSync(join(home, 'first.key'), join(home, 'public.key'));
  chmodSync(join(home, 'public.key'), 0o644);
  const options = files.map((text) => (/\.(crt|key)$/.test(text) ? join(home, text) : text));
  const { run } = commandsIn(home);
  await expect(run('serve', '--data', join(home, 'other'), '--listen', '127.0.0.1:0', ...options)).rejects.toThrow(
    says,
  );
});
