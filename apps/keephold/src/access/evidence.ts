/**
 * What shows that a repository was rolled back or forked, kept in the state folder (security.md §7): the keeper can make
 * another copy look right later, and the owner may need to show what happened. Holds no secret: records are signed and
 * public to every keeper.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ForkError, RollbackError } from '@keephold/protocol';
import type { Context } from '../context.ts';
import { createPrivateFile } from './private-file.ts';

type Surroundings = Pick<Context, 'now' | 'out'>;

/** Runs `work`; of a rollback or fork that it meets the evidence is kept, then it is thrown on. */
export async function keepingEvidence<T>(
  context: Surroundings,
  stateFolder: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ForkError || error instanceof RollbackError) keep(context, stateFolder, error);
    throw error;
  }
}

/** The same finding once: a timer runs into it every hour. */
function keep({ now, out }: Surroundings, stateFolder: string, error: ForkError | RollbackError): void {
  const { code, message } = error;
  const record = error instanceof ForkError && error.evidence !== undefined ? hexOf(error.evidence) : null;
  const found = JSON.stringify({ code, message, record });
  const name = createHash('sha256').update(found).digest('hex').slice(0, 16);
  const path = join(stateFolder, 'evidence', `${code}-${name}.json`);
  const content = JSON.stringify({ found: new Date(now()).toISOString(), code, message, record }, undefined, 2);
  try {
    if (createPrivateFile(path, Buffer.from(`${content}\n`))) out.note(`what shows it is kept in ${path}`);
  } catch (cause) {
    out.warn(`the evidence could not be kept in ${path}: ${String(cause)}`);
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
