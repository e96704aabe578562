/** Scrubbing reads each item once in its turns, also when every turn is cut short, and gives way to what cannot be read. */
import { type Disk, FolderBackend, nodeDisk } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import { createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { openRepositoryFolder, type ScrubReport } from '../src/index.ts';
import { packName } from '../src/layout.ts';
import { positionAfter, sliceFrom } from '../src/scrub/slice.ts';
import { createTestRepository } from './_repository.ts';

const TURNS = 29;

describe('scrubbing', () => {
  it('has shares that follow each other and are the whole', () => {
    let position = 0;
    const lengths: number[] = [];
    do {
      const { first, end } = sliceFrom(position);
      expect([first, sliceFrom(first).end]).toEqual([position, sliceFrom(end - 1).end]);
      lengths.push(end - first);
      position = positionAfter(end);
    } while (position > 0);
    expect([lengths.length, lengths.reduce((sum, length) => sum + length)]).toEqual([TURNS, 65_536]);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(2);
    for (const foreign of [-1, 65_536, Number.NaN]) expect(sliceFrom(foreign).first).toBe(0);
  });

  it('goes on at the item at which it was stopped', async () => {
    const account = createAccountFixture();
    const { vault } = account;
    await using repository = await createTestRepository(account);
    for (let stored = 0; stored < 4; stored++) {
      await storeSnapshot(repository.custody, account, { packs: [createPack(vault, 1, 1)] });
    }
    const here = await openRepositoryFolder(repository.path);
    const reports: ScrubReport[] = [];
    let position = 0;
    do {
      const stop = new AbortController();
      let looked = 0;
      // Two, so that two items of one position do not hold it up for ever.
      const pace = async (): Promise<void> => {
        if (++looked === 2) stop.abort();
        return await Promise.resolve();
      };
      const options = { position, again: [], repairFrom: undefined, pace, signal: stop.signal };
      const report = await here.scrub(vault, options);
      reports.push(report);
      ({ position } = report);
    } while (position > 0);
    await here[Symbol.asyncDispose]();
    const items = reports.reduce((sum, { packs, objects }) => sum + packs + objects, 0);
    // A pack, a snapshot object and an index object each.
    expect(items).toBe(3 * 4);
    expect(reports.every(({ packs, objects }) => packs + objects <= 2)).toBe(true);
    expect(reports.length).toBeGreaterThanOrEqual(TURNS);
  });

  it('tells what a disk cannot read, leaves it there, and repairs it from a copy', async () => {
    const account = createAccountFixture();
    const { vault } = account;
    const pack = createPack(vault, 1, 1);
    await using repository = await createTestRepository(account);
    await using copy = await createTestRepository(account);
    await storeSnapshot(repository.custody, account, { packs: [pack] });
    await copy.custody.putPack(vault, pack.id, pack.bytes);
    let isBroken = true;
    const disk: Disk = {
      ...nodeDisk,
      read: async (path, offset, into) => {
        if (!isBroken || !path.endsWith(toHex(pack.id))) return await nodeDisk.read(path, offset, into);
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      },
      rename: async (from, to) => {
        await nodeDisk.rename(from, to);
        if (to.endsWith(toHex(pack.id))) isBroken = false;
      },
    };
    const here = await openRepositoryFolder(repository.path, { disk });
    const { signal } = new AbortController();
    const scrub = async (repairFrom?: FolderBackend): Promise<ScrubReport> => {
      const again = [{ kind: 'pack', name: pack.id }] as const;
      const pace = async (): Promise<void> => await Promise.resolve();
      return await here.scrub(vault, { position: 0, again, repairFrom, pace, signal });
    };
    const name = packName(vault, pack.id);
    expect((await scrub()).damaged.map(({ name }) => name)).toContainEqual(pack.id);
    expect(await new FolderBackend({ path: repository.path }).stat(name)).toBeDefined();
    const { repaired, damaged } = await scrub(new FolderBackend({ path: copy.path }));
    expect([repaired, damaged]).toEqual([1, []]);
    await here[Symbol.asyncDispose]();
  });
});
