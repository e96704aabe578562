/** A disk that is full: what clients are told, and that all goes on afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createTestServer } from './_test-server.ts';

interface SmallDisk extends Disposable {
  readonly folder: string;
  readonly grow: () => void;
}

/** Undefined where nobody may mount one. */
function smallDisk(): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    rmdirSync(folder);
    return undefined;
  }
  return {
    folder,
    grow: () => void execFileSync('mount', ['-o', 'remount,size=64m', folder]),
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', folder]);
      rmdirSync(folder);
    },
  };
}

describe.runIf(process.getuid?.() === 0)('a disk that is full', () => {
  it('is told to clients, keeps what there is, and takes more once it has room', async () => {
    using small = smallDisk();
    if (small === undefined) {
      console.warn('skipped: needs the right to mount a small disk');
      return;
    }
    const { folder } = small;
    const account = createAccountFixture();
    await using test = await createTestServer({
      parts: async () => ({ database: { kind: 'files', folder }, storage: { kind: 'folder', path: folder } }),
    });
    await test.signUp(account);
    const client = test.clientOf(account);
    const kept = createPack(account.vault, 1, 16);
    const first = await storeSnapshot(client, account, { packs: [kept] });

    const packs = Array.from({ length: 4 }, () => createPack(account.vault, 1, 64));
    const put = async (): Promise<unknown> => {
      for (const { id, bytes } of packs) await client.putPack(account.vault, id, bytes);
      return undefined;
    };
    await expect(put()).rejects.toMatchObject({ code: 'no-room', problem: 'no-room', retryAfter: undefined });
    expect(await client.head(account.vault)).toEqual(first.head);
    const into = new Uint8Array(kept.bytes.length);
    expect(await client.getPack(account.vault, kept.id, into)).toBe(kept.bytes.length);
    expect(into).toEqual(kept.bytes);
    expect(await client.audit(account.vault)).toEqual([]);

    small.grow();
    expect(await put()).toBeUndefined();
    const second = await storeSnapshot(client, account, { packs: packs.slice(0, 1), parent: first });
    expect(await client.head(account.vault)).toEqual(second.head);
    expect(await client.audit(account.vault)).toEqual([]);
    expect(test.lines.join('')).not.toContain(folder);
  });
});
