/** `keephold admin suspend` and `resume`. */
import { setSuspensionOn, type Transport } from '@keephold/client';
import type { Context } from '../context.ts';
import { printable } from '../terminal/printable.ts';

export async function suspend({ out }: Context, transport: Transport, name: string): Promise<void> {
  const account = spelt(name);
  await setSuspensionOn(transport, { account, suspended: true });
  const says = `${printable(account)} is suspended: signed out everywhere, and nothing new is taken; what is stored stays`;
  await out.answer(says, { type: 'account-suspended', account });
}

export async function resume({ out }: Context, transport: Transport, name: string): Promise<void> {
  const account = spelt(name);
  await setSuspensionOn(transport, { account, suspended: false });
  await out.answer(`${printable(account)} goes on`, { type: 'account-resumed', account });
}

/** Names are compared in one spelling. */
function spelt(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
