/** `keephold serve`: a server in one command. */
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { systemRandom } from '@keephold/crypto';
import { type DamageList, openKeeper, type VaultQueue } from '@keephold/custody';
import {
  KeychainAuthority,
  type LogLevel,
  Metrics,
  measuringKeeper,
  OpenAccounts,
  queueingKeeper,
  quotaKeeper,
  type RunningServer,
  serveMetrics,
  startServer,
} from '@keephold/server';
import { type Command, defineCommand } from '../command-line/command.ts';
import { byteCount, flag, oneOf, text as textOption, texts } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { collectInBackground } from '../jobs/background-collection.ts';
import { expireInBackground } from '../jobs/background-expiry.ts';
import { notifyInBackground } from '../jobs/background-notices.ts';
import { replicateInBackground, replicationState } from '../jobs/background-replication.ts';
import { scrubInBackground } from '../jobs/background-scrub.ts';
import { bucketAddress, replicaAddress, serverAddress } from '../jobs/server-addresses.ts';
import {
  type CertificateFiles,
  certificateFiles,
  keepCertificate,
  readCertificate,
} from '../jobs/server-certificate.ts';
import { openServerFolder, type ServerFolder } from '../jobs/server-folder.ts';
import { measuredParts } from '../jobs/server-metrics.ts';
import { openServerParts, type ServerPlaces } from '../jobs/server-parts.ts';
import { serverSenders } from '../jobs/server-senders.ts';

const DEFAULT_LISTEN = '127.0.0.1:8420';

const observing = {
  metrics: textOption({
    value: 'HOST:PORT',
    help: 'serve /metrics for Prometheus on this address, to whoever reaches it (nowhere)',
  }),
  'log-level': oneOf({
    choices: ['error', 'warn', 'info', 'debug', 'silent'],
    initial: 'info',
    help: 'the least that is written to standard error, as lines of JSON: info has a line for each request',
  }),
};

const DEFAULT_SCRUB_RATE = 20e6;

const scrubbing = {
  'scrub-rate': byteCount({
    value: 'SIZE',
    min: 0,
    max: 1e12,
    help: 'how much is read again in a second, at most, so that each pack is compared with its name once a month; 0: none (20MB)',
  }),
};

const telling = {
  smtp: textOption({
    value: 'URL',
    help: 'smtp://USER@HOST:PORT, or smtps://: send mail by this server to whoever asks for it with keephold notify (none)',
  }),
  'mail-from': textOption({ value: 'ADDRESS', help: 'with --smtp: the address that mail comes from' }),
  webhook: textOption({ value: 'URL', help: 'tell this address what happens to all accounts, as signed JSON (none)' }),
  ntfy: textOption({ value: 'URL', help: 'https://ntfy.sh/TOPIC, or another ntfy server: tell it the same (none)' }),
};

const encrypting = {
  'tls-cert': textOption({ value: 'FILE', help: 'the certificate of this server and those above it, as PEM' }),
  'tls-key': textOption({ value: 'FILE', help: 'its private key, as PEM' }),
};

export const serve: Command = defineCommand({
  name: 'serve',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Runs a server that keeps backups of devices. It gets ciphertext only, and cannot open it. Everything lies in one folder; there is nothing to configure. As long as there is no account, a start prints an invitation for the first one, whose owner may invite others.',
    'With --database and --storage it is one of several, each started with a copy of the same secrets in its --data folder. Addresses with secrets in them come from KEEPHOLD_DATABASE and KEEPHOLD_STORAGE, or from files that KEEPHOLD_DATABASE_FILE and KEEPHOLD_STORAGE_FILE name.',
    'With --smtp it tells owners who ask for it (keephold notify) of devices that have gone quiet or are new, deletions, quota and damage, and how they stand once a week; --webhook and --ntfy tell whoever runs the server, of all accounts. The address with its password comes from KEEPHOLD_SMTP, or from a file that KEEPHOLD_SMTP_FILE names; secrets of the others from KEEPHOLD_WEBHOOK_SECRET and KEEPHOLD_NTFY_TOKEN, or files that the same names with _FILE name.',
    'With --tls-cert and --tls-key it speaks TLS 1.3 by itself, and reads both again once a minute and at SIGHUP. Without them it speaks HTTP without encryption: keep it on this machine, behind a proxy that does TLS. Clients refuse http to any other machine.',
    'Ctrl-C, or SIGTERM, lets running requests end.',
  ],
  options: {
    data: textOption({ value: 'DIR', help: 'where everything is kept (a folder among your own data)' }),
    'open-sign-up': flag({ help: 'let anybody who reaches this server make an account, without an invitation' }),
    database: textOption({
      value: 'URL',
      help: 'postgres://…: accounts and what is known of repositories are in this database, which several servers may share (SQLite files)',
    }),
    storage: textOption({
      value: 'URL',
      help: 's3://HOST/BUCKET[/PREFIX]: repositories are in this bucket (a folder)',
    }),
    replicate: textOption({
      value: 'PLACE',
      help: 's3://HOST/BUCKET[/PREFIX] or a folder: keep a second copy there that restores by itself (none)',
    }),
    collect: oneOf({
      choices: ['here', 'elsewhere', 'only'],
      initial: 'here',
      help: 'who deletes, once a day, what was forgotten long enough ago, and copies to the second site: this server, others, or this process and nothing else',
    }),
    ...scrubbing,
    ...telling,
    listen: textOption({ value: 'HOST:PORT', help: `the address to listen on (${DEFAULT_LISTEN})` }),
    ...encrypting,
    'trust-proxy': texts({
      value: 'ADDRESS',
      help: 'a proxy, or a range of them such as 10.0.0.0/24, that is believed who calls (those on this machine)',
    }),
    ...observing,
  },
  examples: [
    { command: 'keephold serve --data /srv/keephold', says: 'on this machine, port 8420' },
    {
      command: 'keephold serve --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem',
      says: 'for everybody, without a proxy',
    },
    {
      command:
        'keephold serve --database postgres://keephold@db.example.org/keephold --storage s3://s3.example.org/backups',
      says: 'one of several servers; PGPASSWORD, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY have the secrets',
    },
  ],
  async run(context, { options }) {
    const { environment, signal } = context;
    const folder = resolve(options.data ?? join(environment.folders.data, 'server'));
    const address = readAddress(options.listen ?? DEFAULT_LISTEN);
    const trustedProxies = options['trust-proxy'].map(proxyAddress);
    const certificate = certificateFiles(options['tls-cert'], options['tls-key']);
    const metricsAddress = options.metrics === undefined ? undefined : readAddress(options.metrics);
    const metrics = metricsAddress && new Metrics();
    const senders = serverSenders(context, options);
    const places = placesOf(context, options, folder);
    const opening = await openServerParts(places);
    const parts = metrics === undefined ? opening : measuredParts(opening, metrics, places.now);
    const { accounts: database, collection, replica, scrub } = parts;
    const now = (): number => context.now();
    const signUp = options['open-sign-up'] ? 'open' : 'by-invitation';
    const opened = await openServerFolder(folder, { database, signUp, now });
    const plain = await openKeeper({ ...parts, optionsOf: () => ({ signer: opened.signer }) });
    const repositories = metrics === undefined ? plain : measuringKeeper(plain, metrics);
    const queued = queueingKeeper(repositories, { collection, replication: replica?.queue }, now);
    const keeper = new OpenAccounts(quotaKeeper(queued, opened.surroundings));
    const works = options.collect !== 'elsewhere';
    const bytesPerSecond = options['scrub-rate'] ?? DEFAULT_SCRUB_RATE;
    const scrubs = works && bytesPerSecond > 0;
    const scrubParts = { keeper, scrub, root: replica?.root, bytesPerSecond, metrics, accounts: opened.surroundings };
    const workers = [
      works
        ? collectInBackground(context, { keeper, queue: collection, scrub: scrubs ? scrub.queue : undefined })
        : undefined,
      scrubs ? scrubInBackground(context, scrubParts) : undefined,
      works ? notifyInBackground(context, { keeper, accounts: opened.surroundings, senders, metrics }) : undefined,
      works ? expireInBackground(context, opened.surroundings) : undefined,
      works && replica !== undefined ? replicateInBackground(context, { keeper, ...replica }) : undefined,
    ];
    const server =
      options.collect === 'only'
        ? undefined
        : await listen(context, {
            ...{ keeper, opened, folder, address, certificate, replica: replica?.queue, damage: scrub.damage },
            ...{ metrics, logLevel: options['log-level'], trustedProxies },
          });
    const observed = metrics && metricsAddress && (await serveMetrics(metrics, metricsAddress));
    if (observed !== undefined) {
      await context.out.answer(`metrics at ${observed.url}`, { type: 'metrics', url: observed.url });
    }
    if (server === undefined) await context.out.result('collecting');
    await context.out.flush();
    await aborted(signal);
    await Promise.all(workers.map(async (worker) => await worker?.stop()));
    await server?.stop();
    await observed?.stop();
    await parts.close();
    return exitCodes.done;
  },
});

interface ListenParts {
  readonly keeper: OpenAccounts;
  readonly opened: ServerFolder;
  readonly folder: string;
  readonly address: Address;
  readonly certificate: CertificateFiles | undefined;
  readonly replica: VaultQueue | undefined;
  readonly damage: DamageList;
  readonly metrics: Metrics | undefined;
  readonly logLevel: LogLevel;
  readonly trustedProxies: readonly string[];
}

async function listen(context: Context, parts: ListenParts): Promise<RunningServer> {
  const { out } = context;
  const { keeper, opened, folder, address, certificate: files, replica, damage } = parts;
  const { metrics, logLevel, trustedProxies } = parts;
  const { serverId, surroundings, firstInvitation } = opened;
  const now = (): number => context.now();
  const authority = new KeychainAuthority({ keeper, accounts: surroundings, serverId, now, random: systemRandom });
  const log = { write: (line: string): void => out.error(line.trimEnd()) };
  const replication = replica && replicationState(replica, now);
  const certificate = files && readCertificate(files);
  const server = await startServer(
    {
      ...{ keeper, authority, accounts: surroundings, log, logLevel, metrics, replication, damage },
      ...{ certificate, trustedProxies },
    },
    address,
  );
  if (files !== undefined) keepCertificate(context, { server, files });
  await out.record({ type: 'serving', url: server.url, folder, invitation: firstInvitation ?? null });
  await out.result(`keeping backups in ${folder}, listening on ${server.url}`);
  if (firstInvitation !== undefined) {
    await out.result(`the invitation for the first account, good for a week: ${firstInvitation}`);
    await out.result(`  keephold init --repo ${server.url} --invitation ${firstInvitation}`);
  }
  return server;
}

function placesOf(
  context: Context,
  { database, storage, replicate }: Readonly<Record<'database' | 'storage' | 'replicate', string | undefined>>,
  folder: string,
): ServerPlaces {
  const bucket = serverAddress('storage', storage, context);
  return {
    database: serverAddress('database', database, context),
    storage: bucket === undefined ? undefined : bucketAddress(bucket, context.environment),
    replica: replicaAddress(replicate, context),
    folder,
    now: () => context.now(),
    random: () => (systemRandom(1)[0] as number) / 256,
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function readAddress(text: string): Address {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new UsageError(`${text} is no address to listen on`, `write HOST:PORT, for example ${DEFAULT_LISTEN}`);
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

/** `0.0.0.0/0` would let anybody claim to be anybody. */
function proxyAddress(text: string): string {
  const [, address = '', length] = /^([^/]+)(?:\/([1-9]\d{0,2}))?$/.exec(text) ?? [];
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  if (bits > 0 && Number(length ?? bits) <= bits) return text;
  throw new UsageError(`${text} is no address of a proxy`, 'write an address, or a range such as 10.0.0.0/24');
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolveStop) => {
    signal.addEventListener('abort', resolveStop, { once: true });
  });
}
