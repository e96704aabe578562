/** Pages of packs, fetched by range and opened. What it gives is what somebody sealed under the pack's key. */
import { openPage, type PackKey } from '@keephold/crypto';
import { PAGE_LENGTH, type ReadingCustody, SEALED_PAGE_LENGTH, type VaultId } from '@keephold/protocol';
import { DamagedError, MissingDataError } from '../errors.ts';
import type { PackRecord } from './blob-locations.ts';
import type { SessionKeys } from './session-keys.ts';

/**
 * Opens `count` pages of `area` in place, page i at i × 65,552, numbered from `first`; answers how many opened before
 * the first whose tag is wrong.
 */
export type OpenPages = (packKey: Uint8Array, area: Uint8Array, first: number, count: number) => number;

export interface PackPagesOptions {
  readonly custody: Pick<ReadingCustody, 'getPack'>;
  readonly vaultId: VaultId;
  readonly sessions: SessionKeys;
  /** Faster than page by page, where the platform has it. */
  readonly openPages?: OpenPages | undefined;
}

export class PackPages {
  readonly #options: PackPagesOptions;

  constructor(options: PackPagesOptions) {
    this.#options = options;
  }

  /**
   * Plaintext of `count` pages from page `first` on.
   * @throws MissingDataError, DamagedError, CryptoError
   */
  async read(pack: PackRecord, first: number, count: number): Promise<Uint8Array> {
    const { custody, vaultId, sessions } = this.#options;
    const key = await sessions.packKeyOf(pack);
    const area = new Uint8Array(count * SEALED_PAGE_LENGTH);
    const length = await custody.getPack(vaultId, pack.packId, area, { first, count });
    if (length === undefined) throw new MissingDataError('it is not there');
    if (length !== area.length)
      throw new DamagedError(`it ends within page ${first + Math.floor(length / SEALED_PAGE_LENGTH)}`);
    const { openPages } = this.#options;
    if (openPages === undefined) return await openEach(key, area, first, count);
    const opened = openPages(key, area, first, count);
    if (opened !== count) throw new DamagedError(`page ${first + opened} is not what was sealed`);
    for (let page = 1; page < count; page++) {
      const at = page * SEALED_PAGE_LENGTH;
      area.copyWithin(page * PAGE_LENGTH, at, at + PAGE_LENGTH);
    }
    return area.subarray(0, count * PAGE_LENGTH);
  }
}

async function openEach(key: PackKey, area: Uint8Array, first: number, count: number): Promise<Uint8Array> {
  const plaintext = new Uint8Array(count * PAGE_LENGTH);
  for (let page = 0; page < count; page++) {
    const sealed = area.subarray(page * SEALED_PAGE_LENGTH, (page + 1) * SEALED_PAGE_LENGTH);
    plaintext.set(await openPage({ key, index: first + page, sealed }), page * PAGE_LENGTH);
  }
  return plaintext;
}
