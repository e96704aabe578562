/** Plans of a server, as its admin makes and gives them. */
import { assignPlanOn, plansOf, putPlanOn, type Transport } from '@keephold/client';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatBytes } from '../terminal/units.ts';

export async function tellPlans({ out }: Context, transport: Transport): Promise<void> {
  const plans = await plansOf(transport);
  for (const plan of plans) await out.record({ type: 'plan', ...plan, bytes: plan.bytes ?? null });
  const rows = plans.map(({ name, bytes, graceDays }) => [
    printable(name),
    bytes === undefined ? 'no limit' : formatBytes(bytes),
    counted(graceDays, 'day'),
  ]);
  await out.result(formatTable({ headings: ['Plan', 'Size', 'Grace'], rows, right: ['Size', 'Grace'] }).trimEnd());
}

export interface PlanWish {
  readonly name: string;
  readonly size: number | undefined;
  readonly unlimited: boolean;
  readonly graceDays: number;
}

/** Makes the plan, or changes it. */
export async function setPlan({ out }: Context, transport: Transport, wish: PlanWish): Promise<void> {
  const { name, size, unlimited, graceDays } = wish;
  if ((size === undefined) !== unlimited) {
    throw new UsageError('a plan needs a size', 'give --size SIZE, or --unlimited');
  }
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
    throw new UsageError(`"${name}" is no name of a plan`, 'write lower case letters, digits and dashes');
  }
  await putPlanOn(transport, { name, graceDays, ...(size !== undefined && { bytes: size }) });
  const allows = size === undefined ? 'as much as there is' : formatBytes(size);
  const record = { type: 'plan', name, bytes: size ?? null, graceDays };
  await out.answer(`plan ${name} allows ${allows}`, record);
}

export async function givePlan(
  { out }: Context,
  transport: Transport,
  gift: { readonly account: string; readonly plan: string },
): Promise<void> {
  // Names are compared in one spelling.
  const account = gift.account.normalize('NFKC').trim().toLowerCase();
  await assignPlanOn(transport, { ...gift, account });
  await out.answer(`${printable(account)} has plan ${gift.plan} now`, { type: 'plan-given', account, plan: gift.plan });
}
