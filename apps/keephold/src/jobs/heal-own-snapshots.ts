/** Lets this device add to its snapshots what was stored again of lost packs. Needs no password. */
import { type HealReport, healSnapshots } from '@keephold/engine/node';
import { recordVerifier, writeKeysOf } from '@keephold/vault';
import { commitSignerOf } from '../access/commit-signer.ts';
import type { DeviceAccess } from '../access/open-device.ts';
import { storedSessionObjects } from '../access/sessions.ts';
import type { Context } from '../context.ts';
import { counted } from '../terminal/units.ts';

export async function healOwnSnapshots(
  context: Pick<Context, 'signal' | 'now'>,
  access: DeviceAccess,
): Promise<HealReport> {
  const { custody, vaultId, store } = access;
  const { deviceId, indexKeys } = writeKeysOf(access.state);
  return await healSnapshots({
    ...commitSignerOf(context, access),
    vaultId,
    deviceId,
    indexKeys,
    sessionObjects: async () => await storedSessionObjects(store, { custody, vaultId }),
    verifier: recordVerifier,
    signal: context.signal,
  });
}

export async function tellHealing({ out }: Pick<Context, 'out'>, { healed, incomplete }: HealReport): Promise<void> {
  if (healed.length === 0 && incomplete.length === 0) return;
  await out.record({ type: 'healed', snapshots: healed, incomplete });
  if (healed.length > 0) out.note(`healed ${counted(healed.length, 'snapshot')} with what is stored again`);
  if (incomplete.length > 0) {
    const seqs = incomplete.map((seq) => `#${seq}`).join(', ');
    out.note(`not all that was lost is stored again: keephold check says whether ${seqs} need more of it`);
  }
}
