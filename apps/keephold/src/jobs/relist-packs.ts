/** Makes index objects again that are gone or rotten, from what packs say themselves. Only who can read can do that. */
import { sign, systemRandom } from '@keephold/crypto';
import { type RelistReport, relistPacks as relist } from '@keephold/engine/node';
import { readKeysOf, writeKeysOf } from '@keephold/vault';
import type { DeviceAccess } from '../access/open-device.ts';
import { openForReading } from '../access/open-for-reading.ts';
import { givenPassword } from '../access/password.ts';
import type { Context } from '../context.ts';
import { counted } from '../terminal/units.ts';

/** Undefined when this device cannot read and no password is given. */
export async function relistPacks(
  context: Context,
  { custody, state, chain }: DeviceAccess,
): Promise<RelistReport | undefined> {
  if (readKeysOf(state) === undefined && givenPassword(context) === undefined) return undefined;
  await using reading = await openForReading(context, { onDamage: () => undefined });
  return await relist({
    repository: reading.repository,
    custody,
    keys: writeKeysOf(state),
    keychain: () => chain.keychain,
    sign: (message) => sign(state.signingSeed, message),
    now: () => BigInt(context.now()) * 1_000_000n,
    random: systemRandom,
    signal: context.signal,
  });
}

export async function tellRelisting({ out }: Pick<Context, 'out'>, report: RelistReport | undefined): Promise<void> {
  if (report === undefined) {
    out.note(
      'index objects were not looked at: this device may not read; give the password (--password-file) for that',
    );
    return;
  }
  const { packs, superseded, others, unreadable } = report;
  if (packs + superseded + others + unreadable === 0) return;
  await out.record({ type: 'listed', packs, superseded, others, unreadable });
  if (packs > 0) out.note(`listed ${counted(packs, 'pack')} again, by what they say themselves`);
  if (others > 0)
    out.note(`${counted(others, 'pack')} of other devices can be read and are listed nowhere: run heal there`);
  if (unreadable > 0)
    out.warn(`${counted(unreadable, 'pack')} that no index lists cannot be read: what they held is known nowhere`);
}
