/** What a device backed up last: the newest snapshot of each of its series, and which device a name means. */

import { toHex } from '@keephold/bytes';
import { EngineError, type Repository, type Snapshot } from '@keephold/engine';
import type { DeviceId } from '@keephold/protocol';
import { CommandError, exitCodes } from '../../errors.ts';

/** Newest first; of a series that has no complete snapshot, the newest checkpoint. Never empty. */
export async function newestOfDevice(repository: Repository, wanted: string): Promise<readonly Snapshot[]> {
  const all = (await repository.snapshots()).filter(({ state }) => state === 'active');
  const devices = new Map(all.filter((snapshot) => isMeant(snapshot, wanted)).map((one) => [toHex(one.deviceId), one]));
  const [only, ...others] = devices.keys();
  if (only === undefined) throw new EngineError('not-found', `find device: no snapshot is of a device "${wanted}"`);
  if (others.length > 0) {
    throw new CommandError(`more than one device is "${wanted}": ${[only, ...others].map(shown).join(', ')}`, {
      code: 'no-such-device',
      exitCode: exitCodes.failed,
      hint: 'name it by the beginning of its id; keephold device list tells when each backed up last',
    });
  }
  const newest = new Map<string, Snapshot>();
  for (const snapshot of all.filter(({ deviceId }) => toHex(deviceId) === only)) {
    const stream = toHex(snapshot.streamId);
    if (snapshot.kind === 'complete' || newest.get(stream)?.kind !== 'complete') newest.set(stream, snapshot);
  }
  return [...newest.values()].toSorted((a, b) => b.seq - a.seq);
}

/** By the beginning of its id, or by its name as it was when it backed up. */
function isMeant({ deviceId, hostname }: { deviceId: DeviceId; hostname: string }, wanted: string): boolean {
  if (hostname === wanted) return true;
  return /^[0-9a-f]{4,32}$/i.test(wanted) && toHex(deviceId).startsWith(wanted.toLowerCase());
}

function shown(id: string): string {
  return id.slice(0, 8);
}
