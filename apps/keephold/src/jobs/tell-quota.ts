/** Warns, at the end of what went well, of an account that is nearly or more than full. */
import { type Custody, CustodyError } from '@keephold/protocol';
import { quotaWarning } from '../listing/quota-text.ts';
import type { Output } from '../terminal/output.ts';

export async function tellQuota(out: Output, custody: Pick<Custody, 'accountUsage'>): Promise<void> {
  try {
    const usage = await custody.accountUsage();
    if (usage.quota === undefined) return;
    await out.record({ type: 'quota', storedBytes: usage.storedBytes, ...usage.quota });
    const warning = quotaWarning(usage);
    if (warning !== undefined && !out.json) out.warn(warning);
  } catch (error) {
    // What was to be done is done, whatever the server answers now.
    if (!(error instanceof CustodyError)) throw error;
    out.note(`how much room is left could not be asked: ${error.message}`);
  }
}
