/** What is said when a secret opens nothing and the very way in that it would open is damaged. */
import { toHex } from '@keephold/bytes';
import type { SlotMethod } from '@keephold/protocol';
import { damagedSlots, type UnlockCustody } from '@keephold/vault';
import { CommandError, exitCodes } from '../errors.ts';

export const DAMAGED_WAY_IN = 'way-in-damaged';

const others = {
  'local-password': {
    text: 'the password',
    hint: 'the 24 recovery words open it wherever a password is asked for, and keephold keys add password makes a new way in with them; keephold heal --from takes the damaged one from another copy',
  },
  words: {
    text: 'the words',
    hint: 'the password opens it still, and keephold keys add words makes new words with it; keephold heal --from takes the damaged way in from another copy',
  },
} as const;

/** Undefined when every way in of that kind is as it was stored. */
export async function damagedWayIn(
  custody: UnlockCustody,
  tried: keyof typeof others & SlotMethod,
): Promise<CommandError | undefined> {
  const damaged = (await damagedSlots(custody)).filter(({ method }) => method === tried);
  if (damaged.length === 0) return undefined;
  const { text, hint } = others[tried];
  const places = damaged.map(({ slotId }) => `account/slots/${toHex(slotId)}`).join(', ');
  return new CommandError(`${text} cannot be tried: ${places}, which holds that way in, is damaged or missing`, {
    code: DAMAGED_WAY_IN,
    exitCode: exitCodes.damaged,
    hint,
  });
}
