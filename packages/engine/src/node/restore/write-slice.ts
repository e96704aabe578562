/**
 * Brings the content of one slice of files to the target: pass after pass over the packs, each pack fetched by the main
 * thread and written out by a worker, so many at a time.
 */
import { toHex } from '@keephold/bytes';
import type { PackGroup } from './content-places.ts';
import { failureOf } from './item-failure.ts';
import { fetchFrames } from './pack-reading/fetch-pack.ts';
import type { PackSource } from './pack-reading/pack-source.ts';
import type { ReadPool } from './pack-reading/read-pool.ts';
import type { SliceRequest } from './request-builder.ts';
import type { SliceContent } from './slice-content.ts';

export interface WriteSliceOptions {
  readonly slice: SliceContent;
  readonly source: PackSource;
  readonly pool: ReadPool;
  /** Packs that are in memory at once. */
  readonly lanes: number;
  /** True when the run is to stop: no new pack is begun. */
  readonly shouldStop: () => boolean;
  readonly onPack: () => void;
}

export async function writeSlice(options: WriteSliceOptions): Promise<void> {
  for (let groups = options.slice.nextPass(); groups.length > 0; groups = options.slice.nextPass()) {
    const queue = groups.values();
    await Promise.all(Array.from({ length: options.lanes }, async () => await writePacks(options, queue)));
    if (options.shouldStop()) return;
  }
}

async function writePacks(options: WriteSliceOptions, queue: Iterator<PackGroup>): Promise<void> {
  const { slice, pool, shouldStop } = options;
  for (;;) {
    const area = await pool.takeArea();
    try {
      const next = shouldStop() ? undefined : queue.next();
      if (next === undefined || next.done === true) return;
      const asked = slice.request(next.value);
      if (asked === undefined) continue;
      await writePack(options, { group: next.value, asked, area });
      options.onPack();
    } finally {
      pool.releaseArea(area);
    }
  }
}

async function writePack(
  { slice, source, pool }: WriteSliceOptions,
  { group, asked, area }: { readonly group: PackGroup; readonly asked: SliceRequest; readonly area: number },
): Promise<void> {
  const { pack } = group;
  const name = toHex(pack.packId);
  let key: Uint8Array;
  try {
    key = await source.packKeyOf(pack);
    const length = await fetchFrames(source, pack, pool.area(area), asked.request.frames);
    if (length === undefined) {
      slice.applyUnreadable(asked, `pack ${name} is not there`);
      return;
    }
  } catch (cause) {
    slice.applyUnreadable(asked, `pack ${name} cannot be read: ${failureOf(cause).reason}`);
    return;
  }
  const fetched = { area, pageCount: pack.pageCount, key };
  const result = await pool.run({ kind: 'write', pack: fetched, request: asked.request, files: asked.files });
  slice.apply(asked, result, name);
}
