/** Reading with the real zstd and the bulk crypto of Node, as the command does. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { concatBytes } from '@keephold/bytes';
import { createBulkCrypto } from '@keephold/crypto/bulk';
import { describe, expect, it } from 'vitest';
import { DamagedError } from '../errors.ts';
import { MemoryVault, noise } from './_memory-vault.ts';
import { content, file, open, putTree } from './_stored-tree.ts';
import { openRepository } from './repository.ts';

const decompress = (frame: Uint8Array, rawLength: number): Uint8Array =>
  new Uint8Array(zstdDecompressSync(frame, { maxOutputLength: rawLength }));

describe('reading with the codecs of Node', () => {
  it('gives the same as the portable ones', async () => {
    const vault = await MemoryVault.create();
    const parts = [noise(300_000, 1), noise(5, 2), new Uint8Array(100_000)];
    await vault.addSnapshot(await putTree(vault, { entries: { large: file(...parts) } }));
    const bulk = createBulkCrypto({ idKey: vault.idKey, native: undefined });
    const repository = await openRepository(
      vault.options({
        openPages: (key, area, first, count) => bulk.openPages(key, area, first, count),
        computeBlobId: (kind, bytes, out) => bulk.blobId(kind, bytes, out),
      }),
    );
    expect(await content(repository, 'large')).toEqual(concatBytes(...parts));
    expect(await content(await open(vault), 'large')).toEqual(concatBytes(...parts));
  });

  it('tells the page that was altered', async () => {
    const vault = await MemoryVault.create();
    await vault.addSnapshot(await putTree(vault, { entries: { large: file(noise(300_000, 1)) } }));
    for (const [name, bytes] of vault.packs) {
      if (bytes.length > 200_000)
        vault.packs.set(name, bytes.with(96 + 65_552 * 2 + 5, (bytes[96 + 65_552 * 2 + 5] as number) ^ 1));
    }
    const bulk = createBulkCrypto({ idKey: vault.idKey, native: undefined });
    const repository = await openRepository(
      vault.options({ openPages: (key, area, first, count) => bulk.openPages(key, area, first, count) }),
    );
    await expect(content(repository, 'large')).rejects.toThrow(/page 2/);
  });

  it('decompresses within the announced length, and no bomb', async () => {
    const raw = new Uint8Array(1_000_000);
    const frame = zstdCompressSync(raw);
    for (const [announced, fits] of [
      [raw.length, true],
      [raw.length - 1, false],
      [1000, false],
      [raw.length + 1, false],
    ] as const) {
      const vault = await MemoryVault.create();
      const blob = { kind: 1 as const, bytes: new Uint8Array(announced) };
      const pack = await vault.putPack(1, [{ blobs: [blob], storedAs: frame }]);
      const tree = await putTree(vault, { entries: { zeros: file(blob.bytes) } });
      const meta = tree.packs.filter(({ kind }) => kind === 2);
      await vault.addSnapshot({ rootTree: tree.rootTree, packs: [pack, ...meta] });
      const read = content(await openRepository(vault.options({ decompress })), 'zeros');
      if (fits) expect(await read).toEqual(raw);
      else await expect(read, `${announced} bytes`).rejects.toThrow(DamagedError);
    }
  });
});
