/**
 * Where a server keeps things, as its owner writes it: from the option, the file that a variable names, or a variable.
 * Addresses may have secrets in them: those are not taken from the argument list, which every program of the machine can
 * read, and no message repeats an address.
 */

import { resolve } from 'node:path';
import { readPasswordFile } from '../access/password.ts';
import { isBucket } from '../access/repository-folder.ts';
import type { Context } from '../context.ts';
import type { Environment } from '../environment.ts';
import { UsageError } from '../errors.ts';

type AddressName = 'database' | 'storage' | 'replicate' | 'smtp' | 'webhook' | 'ntfy';

const FORMS: Readonly<Record<AddressName, RegExp>> = {
  database: /^postgres(ql)?:$/,
  storage: /^s3:$/,
  replicate: /^s3:$/,
  smtp: /^smtps?:$/,
  webhook: /^https?:$/,
  ntfy: /^https?:$/,
};
const NOUNS: Readonly<Record<AddressName, string>> = {
  database: 'database',
  storage: 'storage',
  replicate: 'second site',
  smtp: 'mail server',
  webhook: 'web server',
  ntfy: 'topic of ntfy',
};
const EXAMPLES: Readonly<Record<AddressName, string>> = {
  database: 'postgres://USER@HOST:PORT/DATABASE',
  storage: 's3://HOST[:PORT]/BUCKET[/PREFIX][?region=REGION][&tls=no]',
  replicate: 's3://HOST[:PORT]/BUCKET[/PREFIX][?region=REGION][&tls=no], or a folder',
  smtp: 'smtp://USER@HOST[:PORT][?tls=no], or smtps://',
  webhook: 'https://HOST/PATH',
  ntfy: 'https://HOST/TOPIC',
};

/** Undefined when nothing is said. */
export function serverAddress(
  name: AddressName,
  option: string | undefined,
  { environment, out }: Pick<Context, 'environment' | 'out'>,
): URL | undefined {
  if (option !== undefined) return publicAddress(name, option);
  const said = environment.server?.[name];
  const text = said?.file === undefined ? said?.value : readPasswordFile(said.file, { out });
  return text === undefined ? undefined : readAddress(name, text, `KEEPHOLD_${name.toUpperCase()}`);
}

function publicAddress(name: AddressName, text: string): URL {
  const url = readAddress(name, text, `--${name}`);
  if (url.password === '') return url;
  throw new UsageError(
    `--${name} has a secret in it, and every program on this machine can read the argument list`,
    `put the address into KEEPHOLD_${name.toUpperCase()}, or into a file that KEEPHOLD_${name.toUpperCase()}_FILE names`,
  );
}

function readAddress(name: AddressName, text: string, from: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && FORMS[name].test(url.protocol) && url.hostname !== '') return url;
  throw new UsageError(`${from} is no address of a ${NOUNS[name]}`, `write ${EXAMPLES[name]}`);
}

/** A secret by itself: from the file that a variable names, or the variable. */
export function serverSecret(
  name: 'webhookSecret' | 'ntfyToken',
  { environment, out }: Pick<Context, 'environment' | 'out'>,
): string | undefined {
  const said = environment.server?.[name];
  return said?.file === undefined ? said?.value : readPasswordFile(said.file, { out });
}

/** A folder here, by its absolute path, or a bucket; undefined when nothing is said. */
export function replicaAddress(
  option: string | undefined,
  context: Pick<Context, 'environment' | 'out'>,
): string | BucketAddress | undefined {
  const { environment } = context;
  if (option !== undefined && !isBucket(option)) return folderAt(option);
  const url = serverAddress('replicate', option, context);
  return url === undefined ? undefined : bucketAddress(url, environment);
}

function folderAt(path: string): string {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return resolve(path);
  throw new UsageError('--replicate is neither a folder nor a bucket', `write ${EXAMPLES.replicate}`);
}

export interface BucketAddress {
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  /** '' is the bucket itself. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Keys come from the address, or from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. */
export function bucketAddress(url: URL, { server }: Pick<Environment, 'server'>): BucketAddress {
  const [bucket = '', ...prefix] = url.pathname.split('/').filter((part) => part !== '');
  if (bucket === '') throw new UsageError('the address of the storage names no bucket', `write ${EXAMPLES.storage}`);
  const accessKeyId = decodeURIComponent(url.username) || server?.accessKeyId;
  const secretAccessKey = decodeURIComponent(url.password) || server?.secretAccessKey;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new UsageError(
      'the storage needs keys',
      'put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into the address, where that comes from a variable or a file',
    );
  }
  const scheme = url.searchParams.get('tls') === 'no' ? 'http' : 'https';
  const region = url.searchParams.get('region') ?? 'us-east-1';
  return {
    ...{ endpoint: new URL(`${scheme}://${url.host}`), region, bucket, prefix: prefix.join('/') },
    ...{ accessKeyId, secretAccessKey },
  };
}
