/** A repository below a prefix of a bucket, to read; its ledger is a file here, made again when it is lost. */
import { type Backend, readOnly } from '@keephold/backend';
import { FileLedger } from './ledger/file-ledger.ts';
import { openRepository, type RepositoryOptions } from './repository.ts';
import type { KeptCustody } from './upkeep.ts';

export interface BucketPlace {
  /** For messages. */
  readonly name: string;
  readonly backend: Backend;
  /** Path of a file in a folder that is there. */
  readonly ledger: string;
}

/** @throws CustodyError as `openRepository` does; 'read-only' for whatever would change it */
export async function openRepositoryBucket(
  { name, backend, ledger }: BucketPlace,
  options: RepositoryOptions = {},
): Promise<KeptCustody> {
  return await openRepository({ name, backend: readOnly(backend), database: new FileLedger(ledger) }, options);
}
