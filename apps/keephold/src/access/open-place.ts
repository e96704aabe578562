/**
 * Opens the repository of a folder or a bucket. Where that is the second site of a server, with a repository for each
 * account, the words tell which is meant.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderBackend, S3Backend, withinPrefix } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import type { AskCode } from '@keephold/client';
import { sha256 } from '@keephold/crypto';
import {
  type OpenOptions,
  openRepositoryBucket,
  openRepositoryFolder,
  type ReplicaAccount,
  replicaAccounts,
} from '@keephold/custody';
import { type Custody, CustodyError } from '@keephold/protocol';
import { unlockWithWords } from '@keephold/vault';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { bucketAddress } from '../jobs/server-addresses.ts';
import { makePrivateFolder } from './private-file.ts';
import { isBucket } from './repository-folder.ts';

interface Place {
  /** `path` '' is the place itself. */
  open(path: string): Promise<Custody>;
  accounts(): AsyncIterable<ReplicaAccount>;
}

export interface OpenPlaceOptions extends OpenOptions {
  /** What the user knows, when it is needed to tell which of several accounts is meant. */
  readonly secret: () => Promise<string>;
  /** For the second factor of an account on a server. */
  readonly askCode: AskCode;
}

export async function openPlace(
  environment: Environment,
  place: string,
  { secret, ...options }: Omit<OpenPlaceOptions, 'askCode'>,
): Promise<Custody> {
  const found = isBucket(place) ? await bucketPlace(environment, place, options) : folderPlace(place, options);
  try {
    return await found.open('');
  } catch (error) {
    if (!(error instanceof CustodyError) || error.code !== 'no-repository') throw error;
    const accounts: ReplicaAccount[] = [];
    for await (const account of found.accounts()) accounts.push(account);
    if (accounts[0] === undefined) throw error;
    return accounts.length === 1 ? await found.open(accounts[0].path) : await findAccount(found, accounts, secret);
  }
}

async function findAccount(
  place: Place,
  accounts: readonly ReplicaAccount[],
  secret: () => Promise<string>,
): Promise<Custody> {
  const words = await secret();
  for (const { path } of accounts) {
    const custody = await openedBy(place, path, words);
    if (custody !== undefined) return custody;
  }
  throw new CommandError(`none of the ${accounts.length} accounts there opens with these words`, {
    code: 'no-account',
    exitCode: exitCodes.wrongKey,
    hint: 'a second site has many accounts: the 24 recovery words find the right one, the password does not',
  });
}

/** Undefined where the words open nothing; an account that is damaged hides no other. */
async function openedBy(place: Place, path: string, words: string): Promise<Custody | undefined> {
  const custody = await place.open(path);
  try {
    await unlockWithWords(custody, words);
    return custody;
  } catch {
    await custody[Symbol.asyncDispose]();
    return undefined;
  }
}

function folderPlace(path: string, options: OpenOptions): Place {
  return {
    open: async (beneath) => await openRepositoryFolder(join(path, beneath), options),
    accounts: () => replicaAccounts(new FolderBackend({ path })),
  };
}

async function bucketPlace(environment: Environment, place: string, options: OpenOptions): Promise<Place> {
  const bucket = new S3Backend({
    ...bucketAddress(new URL(place), environment),
    now: Date.now,
    random: Math.random,
    sleep: async (milliseconds) => await sleep(milliseconds),
  });
  const { cache } = environment.folders;
  makePrivateFolder(cache);
  return {
    open: async (beneath) => {
      const name = beneath === '' ? place : `${place}/${beneath}`;
      const ledger = join(cache, `ledger-${toHex(sha256(new TextEncoder().encode(name))).slice(0, 32)}.sqlite`);
      const backend = beneath === '' ? bucket : withinPrefix(bucket, beneath);
      return await openRepositoryBucket({ name: publicName(name), backend, ledger }, options);
    },
    accounts: () => replicaAccounts(bucket),
  };
}

/** Addresses may have secrets in them. */
function publicName(name: string): string {
  const url = new URL(name);
  return `s3://${url.host}${url.pathname}`;
}
