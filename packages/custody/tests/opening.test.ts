/** What is and what is not a repository. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { nodeDisk } from '@keephold/backend';
import { createAccountFixture, faultyDisk, storeSnapshot } from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createRepositoryFolder, openRepositoryFolder } from '../src/index.ts';
import { createTestRepository } from './_repository.ts';

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'keephold-opening-'));
  return { path, [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }) };
}

describe('opening', () => {
  it('says no-repository where there is none', async () => {
    await using folder = await temporaryFolder();
    await expect(openRepositoryFolder(folder.path)).rejects.toMatchObject({ code: 'no-repository' });
    await expect(openRepositoryFolder(join(folder.path, 'none'))).rejects.toMatchObject({ code: 'no-repository' });
    await writeFile(join(folder.path, 'file'), 'x');
    await expect(openRepositoryFolder(join(folder.path, 'file'))).rejects.toMatchObject({ code: 'no-repository' });
  });

  it('says newer-version of a newer one and damaged of a broken marker', async () => {
    await using repository = await createTestRepository(createAccountFixture());
    const marker = join(repository.path, 'keephold.format');
    const text = await readFile(marker, 'utf8');
    await chmod(marker, 0o600);
    for (const [content, code] of [
      [text.replace('version 1', 'version 2'), 'newer-version'],
      ['keephold repository\nversion 7\nanything else', 'newer-version'],
      [text.slice(0, -5), 'damaged'],
      [`${text}more`, 'damaged'],
      ['something else', 'damaged'],
    ] as const) {
      await writeFile(marker, content);
      await expect(repository.open()).rejects.toMatchObject({ code });
    }
    await writeFile(marker, new Uint8Array([0xff, 0xfe]));
    await expect(repository.open()).rejects.toMatchObject({ code: 'damaged' });
  });
});

describe('creating', () => {
  it('refuses a folder with something in it, and touches nothing', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'photo.jpg'), 'x');
    await expect(createRepositoryFolder(folder.path, createAccountFixture())).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(createRepositoryFolder(join(folder.path, 'photo.jpg'), createAccountFixture())).rejects.toMatchObject({
      code: 'refused',
    });
    expect(await readFile(join(folder.path, 'photo.jpg'), 'utf8')).toBe('x');
  });

  it.each(['tmp/photo.jpg', 'account/letter', 'ledger.sqlite', 'tmp/a.1.1/b'])(
    'does not clear away %s',
    async (name) => {
      await using folder = await temporaryFolder();
      await mkdir(dirname(join(folder.path, name)), { recursive: true });
      await writeFile(join(folder.path, name), 'x'.repeat(5000));
      await expect(createRepositoryFolder(folder.path, createAccountFixture())).rejects.toMatchObject({
        code: 'refused',
      });
      expect((await readFile(join(folder.path, name), 'utf8')).length).toBe(5000);
    },
  );

  it('does not take a repository that lost its marker for one that was begun', async () => {
    const account = createAccountFixture();
    await using repository = await createTestRepository(account);
    await storeSnapshot(repository.custody, account);
    await rm(join(repository.path, 'keephold.format'));
    const before = await readdir(repository.path, { recursive: true });
    await expect(createRepositoryFolder(repository.path, account)).rejects.toMatchObject({ code: 'refused' });
    expect(await readdir(repository.path, { recursive: true })).toEqual(before);
  });

  it('is done by one of several', async () => {
    await using folder = await temporaryFolder();
    const accounts = [createAccountFixture(), createAccountFixture(), createAccountFixture()];
    const created = await Promise.allSettled(
      accounts.map(async (account) => await createRepositoryFolder(join(folder.path, 'a'), account)),
    );
    expect(created.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const [index, result] of created.entries()) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'refused' });
      else expect((await storeSnapshot(result.value, accounts[index]!)).seq).toBe(1);
      if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]();
    }
  });

  it('refuses a keychain that does not hold together', async () => {
    await using folder = await temporaryFolder();
    const account = createAccountFixture();
    const broken = { ...account, keychain: [account.keychain[0] as Uint8Array, account.keychain[2] as Uint8Array] };
    await expect(createRepositoryFolder(join(folder.path, 'a'), broken)).rejects.toMatchObject({ code: 'refused' });
  });

  it('that is cut short leaves no repository, and can be done again', async () => {
    await using folder = await temporaryFolder();
    const account = createAccountFixture();
    let cut = 0;
    for (let step = 1; ; step++) {
      const path = join(folder.path, String(step));
      const disk = faultyDisk(nodeDisk, { kind: 'power-cut', step });
      const created = await createRepositoryFolder(path, account, { disk }).catch(() => undefined);
      await created?.[Symbol.asyncDispose]();
      if (!disk.stopped()) break;
      cut += 1;
      if (created !== undefined) continue;
      await expect(openRepositoryFolder(path)).rejects.toMatchObject({ code: 'no-repository' });
      await using again = await createRepositoryFolder(path, account);
      expect((await storeSnapshot(again, account)).seq).toBe(1);
    }
    expect(cut).toBeGreaterThan(20);
  }, 60_000);
});

describe('reading from a medium that cannot be written', () => {
  it.skipIf(process.getuid?.() === 0)('works with a ledger in memory', async () => {
    const account = createAccountFixture();
    await using repository = await createTestRepository(account);
    const stored = await storeSnapshot(repository.custody, account);
    await repository.custody[Symbol.asyncDispose]();
    await chmod(join(repository.path, 'ledger.sqlite'), 0o400);
    await chmod(repository.path, 0o500);
    const custody = await repository.open();
    expect(await custody.head(account.vault)).toEqual(stored.head);
    expect(await custody.refset(account.vault, 1)).toEqual(stored.refset);
    await expect(storeSnapshot(custody, account)).rejects.toMatchObject({ code: 'read-only' });
    await custody[Symbol.asyncDispose]();
    await chmod(repository.path, 0o700);
  });
});
