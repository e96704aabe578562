/** `keephold device log`: what the server has noted of an account. */
import { toHex } from '@keephold/bytes';
import { accountLogOf } from '@keephold/client';
import type { Custody, DeviceRole } from '@keephold/protocol';
import { ServerCustody } from '../access/server-custody.ts';
import { requireOwner } from '../access/unlock.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { formatClock } from '../terminal/units.ts';

export interface LogWish {
  readonly custody: Custody;
  /** Of this device. */
  readonly role: DeviceRole | undefined;
}

export async function tellAccountLog(context: Context, { custody, role }: LogWish): Promise<void> {
  const { out } = context;
  if (!(custody instanceof ServerCustody)) throw new UsageError('a folder keeps no log', 'name a server: --repo URL');
  if (role !== 'trusted') await requireOwner(context, custody, 'on this device the log needs the password');
  const entries = await accountLogOf(custody.transport);
  const rows: string[][] = [];
  for (const { time, type, what, from, deviceId } of entries) {
    const device = deviceId === undefined ? null : toHex(deviceId);
    const at = new Date(time * 1000);
    await out.record({ type: 'log', time: at.toISOString(), event: type, what: what ?? null, from, device });
    rows.push([
      formatClock(at.getTime()),
      printable(type),
      printable(what ?? ''),
      device?.slice(0, 8) ?? '',
      printable(from),
    ]);
  }
  await out.result(formatTable({ headings: ['Time', 'Event', 'What', 'Device', 'From'], rows }).trimEnd());
}
