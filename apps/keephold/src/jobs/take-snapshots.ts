/** Snapshots of file systems for a backup to read from, as the user asked for them. */
import { systemRandom } from '@keephold/crypto';
import {
  createBtrfsTool,
  lookForSnapshots,
  openSnapshots,
  outermost,
  type SnapshotAccount,
  type SourceSnapshots,
} from '@keephold/source-files';
import type { Context } from '../context.ts';

/** `auto`: where they can be made; `require`: or no backup. */
export const snapshotUses = ['off', 'auto', 'require'] as const;
export type SnapshotUse = (typeof snapshotUses)[number];

export interface SnapshotWish {
  readonly use: SnapshotUse;
  readonly oneFileSystem: boolean;
}

/** To be removed by the caller, whatever happens. @throws SnapshotError when they are required and cannot be made. */
export async function takeSnapshots(
  context: Context,
  roots: readonly Uint8Array[],
  { use, oneFileSystem }: SnapshotWish,
): Promise<SourceSnapshots | undefined> {
  if (use === 'off') return undefined;
  return await openSnapshots(optionsOf(context, roots, { use, oneFileSystem }));
}

/** For a dry run: what would be read from where. @throws SnapshotError when they are required and cannot be made. */
export function foreseeSnapshots(
  context: Context,
  roots: readonly Uint8Array[],
  wish: SnapshotWish,
): SnapshotAccount | undefined {
  return wish.use === 'off' ? undefined : lookForSnapshots(optionsOf(context, roots, wish));
}

function optionsOf(
  context: Context,
  roots: readonly Uint8Array[],
  { use, oneFileSystem }: SnapshotWish,
): Parameters<typeof openSnapshots>[0] {
  return {
    roots: outermost(roots),
    tools: [createBtrfsTool({ random: systemRandom })],
    otherwise: use === 'require' ? 'fail' : 'read-live',
    oneFileSystem,
    now: () => context.now(),
  };
}
