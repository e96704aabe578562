/**
 * A prefix of its own in the bucket that KEEPHOLD_TEST_S3 names: `http://KEY:SECRET@127.0.0.1:8470/bucket`. The tests
 * need a real store and say so where there is none.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Backend, S3BackendOptions } from '@keephold/backend';

const named = process.env['KEEPHOLD_TEST_S3'];

/** `undefined`: there is no store to test with. */
export const testStore: URL | undefined = named === undefined ? undefined : new URL(named);
export const s3Note: string = testStore === undefined ? ' (skipped: needs an S3 store (KEEPHOLD_TEST_S3))' : '';

export function s3Options(more: Partial<S3BackendOptions> = {}): S3BackendOptions {
  const url = testStore ?? new URL('http://k:s@127.0.0.1:1/none');
  return {
    ...{ endpoint: new URL(url.origin), region: 'us-east-1', bucket: url.pathname.slice(1) },
    ...{ accessKeyId: url.username, secretAccessKey: url.password },
    prefix: `test-${randomBytes(8).toString('hex')}/vault`,
    ...{ now: () => Date.now(), sleep: async (wait: number) => await sleep(wait), random: () => Math.random() },
    ...more,
  };
}

export async function emptied(backend: S3Backend): Promise<void> {
  const names: string[] = [];
  for await (const { name } of backend.list('')) names.push(name);
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map(async (name) => await backend.delete(name)));
  }
  backend.close();
}
