/** Which repository is meant. Nothing is opened here. */
import { resolve } from 'node:path';
import { serverOrigin } from '@keephold/client/address';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';

type Named = Pick<Context, 'globals' | 'environment'>;

/** The absolute path of a folder, the origin of a server or the address of a bucket: --repo, else KEEPHOLD_REPO. */
export function repositoryPlace(context: Named): string {
  const named = context.globals.repo ?? context.environment.repository ?? '';
  if (isBucket(named)) return requirePublic(context, named);
  return isServer(named) ? serverOrigin(named) : repositoryFolder(context);
}

export function isServer(place: string): boolean {
  return /^https?:\/\//i.test(place);
}

export function isBucket(place: string): boolean {
  return /^s3:\/\//i.test(place);
}

/** Whether a place (`repositoryPlace`) is a folder of this machine. */
export function isFolder(place: string): boolean {
  return !isServer(place) && !isBucket(place);
}

/** Every program of this machine can read the argument list. */
function requirePublic({ globals }: Named, place: string): string {
  if (globals.repo === undefined || new URL(place).password === '') return place;
  throw new UsageError(
    '--repo has a secret in it, and every program on this machine can read the argument list',
    'put the keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the address into KEEPHOLD_REPO',
  );
}

/** For what works on a folder alone. */
export function repositoryFolder({ globals, environment }: Named): string {
  const named = globals.repo ?? environment.repository;
  if (named === undefined || named === '') {
    throw new UsageError('no repository was named', 'use --repo FOLDER or --repo https://SERVER, or set KEEPHOLD_REPO');
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(named)) {
    throw new UsageError(
      `${named} is not a folder, and this works on folders only`,
      'name a folder, for example --repo /media/disk/backup',
    );
  }
  return resolve(named);
}
