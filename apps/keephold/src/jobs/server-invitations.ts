/** `keephold admin invitations` and `withdraw`: those that nobody has used yet. */
import { invitationsOf, type OpenInvitation, type Transport, withdrawInvitationOn } from '@keephold/client';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { formatTable } from '../terminal/text-table.ts';
import { formatClock } from '../terminal/units.ts';

export async function tellInvitations({ out }: Context, transport: Transport): Promise<void> {
  const invitations = await invitationsOf(transport);
  for (const { id, madeAt, expiresAt } of invitations) {
    const times = { madeAt: new Date(madeAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
    await out.record({ type: 'open-invitation', id, ...times });
  }
  const rows = invitations.map(({ id, madeAt, expiresAt }) => [
    id.slice(0, 8),
    formatClock(madeAt),
    formatClock(expiresAt),
  ]);
  if (rows.length === 0) await out.result('every invitation was used, or is too old');
  else await out.result(formatTable({ headings: ['ID', 'Made', 'Good until'], rows }).trimEnd());
}

/** `which`: the beginning of an id. */
export async function withdraw({ out }: Context, transport: Transport, which: string): Promise<void> {
  const { id } = findInvitation(await invitationsOf(transport), which);
  await withdrawInvitationOn(transport, id);
  await out.answer(`withdrew ${id.slice(0, 8)}: its code makes no account`, { type: 'invitation-withdrawn', id });
}

function findInvitation(invitations: readonly OpenInvitation[], which: string): OpenInvitation {
  const isId = /^[0-9a-f]{4,64}$/i.test(which);
  const [only, ...more] = invitations.filter(({ id }) => isId && id.startsWith(which.toLowerCase()));
  if (only !== undefined && more.length === 0) return only;
  const found = only === undefined ? 'no' : 'more than one';
  throw new CommandError(`${found} open invitation has an id that begins with "${which}"`, {
    code: 'no-such-invitation',
    exitCode: exitCodes.failed,
    hint: 'keephold admin invitations shows them',
  });
}
