/** A repository folder in a temporary place, removed at the end of the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Custody } from '@keephold/protocol';
import type { AccountFixture, FixtureDevice, SuiteKeeper } from '@keephold/testkit';
import { createRepositoryFolder, type OpenOptions, openRepositoryFolder } from '../src/index.ts';

export interface TestRepository extends SuiteKeeper {
  readonly path: string;
  readonly open: (options?: OpenOptions) => Promise<Custody>;
}

export async function createTestRepository(
  account: AccountFixture,
  { parity, ...options }: OpenOptions & { readonly parity?: number } = {},
): Promise<TestRepository> {
  const parent = await mkdtemp(join(tmpdir(), 'keephold-custody-'));
  const path = join(parent, 'repository');
  const all = { signer: account.devices[0] as FixtureDevice, ...options };
  const custody = await createRepositoryFolder(path, { ...account, parity }, all);
  const open = async (more: OpenOptions = {}): Promise<Custody> =>
    await openRepositoryFolder(path, { ...all, ...more });
  return {
    path,
    custody,
    open,
    reopen: open,
    [Symbol.asyncDispose]: async () => {
      await custody[Symbol.asyncDispose]();
      await rm(parent, { recursive: true, force: true });
    },
  };
}
