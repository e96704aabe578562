/** `keephold hold`: stops deletion, as any device may; lets it go on, as only the owner may (security.md §6.3). */
import { releaseHold } from '@keephold/vault';
import { type DeviceAccess, openAsDevice } from '../access/open-device.ts';
import { requireOwner } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { holdFields, holdText } from '../listing/hold-text.ts';

export const hold: Command = defineCommand({
  name: 'hold',
  operands: { usage: '[set | release]', min: 0, max: 1 },
  description: [
    'Says whether deletion is stopped in the repository of this device, and stops it or lets it go on. While it is stopped, nothing expires and nothing is deleted, whoever asks; backups and restores go on, and the repository grows.',
    'Any device may stop deletion, without the password: when something is destroying files, what was backed up before must not go. Only the password or the 24 words let it go on. A device that stops it again and again is revoked with keephold device revoke.',
  ],
  options: {},
  examples: [
    { command: 'keephold hold', says: 'whether deletion is stopped, since when and by which device' },
    { command: 'keephold hold set', says: 'nothing is deleted from now on' },
    { command: 'keephold hold release', says: 'all is well: deletion goes on' },
  ],
  async run(context, { operands }) {
    const [name = 'show'] = operands;
    const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
    if (act === undefined)
      throw new UsageError(`hold cannot "${operands.join(' ')}"`, 'keephold hold --help shows what it can');
    await using access = await openAsDevice(context);
    await act(context, access);
    return exitCodes.done;
  },
});

type Act = (context: Context, access: DeviceAccess) => Promise<void>;

const acts: Readonly<Record<string, Act>> = { show, set, release };

async function show({ out }: Context, { custody, vaultId }: DeviceAccess): Promise<void> {
  const standing = await custody.hold(vaultId);
  if (standing === undefined) await out.answer('nothing stops deletion', { type: 'hold', held: false });
  else await out.answer(holdText(standing), { type: 'hold', held: true, ...holdFields(standing) });
}

async function set({ out }: Context, { custody, vaultId, state }: DeviceAccess): Promise<void> {
  const standing = await custody.setHold(vaultId, state.deviceId);
  await out.answer(holdText(standing), { type: 'hold', held: true, ...holdFields(standing) });
  out.note('keephold hold release lets it go on, with the password');
}

async function release(context: Context, { custody, vaultId, unlocked }: DeviceAccess): Promise<void> {
  const { out } = context;
  if ((await custody.hold(vaultId)) === undefined) {
    await out.answer('nothing stops deletion', { type: 'hold', held: false });
    return;
  }
  const owner = unlocked ?? (await requireOwner(context, custody, 'letting deletion go on needs the password'));
  await releaseHold(owner, { custody, vaultId, now: context.now() });
  await out.answer('deletion goes on, after its delays', { type: 'hold', held: false });
}
