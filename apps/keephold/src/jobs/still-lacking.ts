/** Whether snapshots still need something that lost packs held. Only who can read them can tell what they need. */
import { check } from '@keephold/engine/node';
import { readKeysOf } from '@keephold/vault';
import type { DeviceAccess } from '../access/open-device.ts';
import { openForReading } from '../access/open-for-reading.ts';
import { givenPassword } from '../access/password.ts';
import type { Context } from '../context.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { spawnReadWorker } from '../workers.ts';

export type Lacking = 'nothing' | 'something' | 'unknown';

export async function stillLacking(context: Context, { state }: Pick<DeviceAccess, 'state'>): Promise<Lacking> {
  if (readKeysOf(state) === undefined && givenPassword(context) === undefined) return 'unknown';
  await using reading = await openForReading(context);
  const progress = new ProgressLine(context.out, 'looking for what is lacking');
  try {
    const { problems, interrupted } = await check({
      repository: reading.repository,
      lost: await reading.custody.lostPacks(reading.vaultId),
      readData: 0,
      spawnWorker: spawnReadWorker,
      signal: context.signal,
      onProgress: ({ packs, packsTotal, bytesRead }) =>
        progress.update({ files: packs, totalFiles: packsTotal, bytes: bytesRead }),
    });
    if (interrupted) context.signal.throwIfAborted();
    return problems.length === 0 ? 'nothing' : 'something';
  } finally {
    progress.end();
  }
}
