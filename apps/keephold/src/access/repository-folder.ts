/** Which repository is meant. Nothing is opened here. */
import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';

/** The absolute path of the repository's folder: --repo, else KEEPHOLD_REPO. */
export function repositoryFolder({ globals, environment }: Pick<Context, 'globals' | 'environment'>): string {
  const named = globals.repo ?? environment.repository;
  if (named === undefined || named === '') {
    throw new UsageError('no repository was named', 'use --repo FOLDER, or set KEEPHOLD_REPO');
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(named)) {
    throw new UsageError(
      `${named} is not a folder: this version opens folders only`,
      'name a folder, for example --repo /media/disk/backup',
    );
  }
  return resolve(named);
}
