/**
 * The note that a change of the password has begun, in the state folder: ids of slots, no secret. As long as it is there
 * two passwords may open the repository; the next `keephold keys` settles that.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fromHex, toHex } from '@keephold/bytes';
import {
  type ChangeSlotsOptions,
  type PasswordChange,
  type PasswordChangeEnd,
  settlePasswordChange,
  type Unlocked,
} from '@keephold/vault';
import type { Context } from '../context.ts';
import { readPrivateFile, syncFolder, writePrivateFile } from './private-file.ts';

export class PasswordChangeNote {
  readonly #path: string;

  /** `stateFolder`: of this device for the account. */
  constructor(stateFolder: string) {
    this.#path = join(stateFolder, 'password-change');
  }

  load(): PasswordChange | undefined {
    const bytes = readPrivateFile(this.#path);
    if (bytes === undefined) return undefined;
    const [added, ...replaced] = new TextDecoder().decode(bytes).trim().split(' ');
    if (![added, ...replaced].every((id) => /^[0-9a-f]{32}$/.test(id ?? ''))) return undefined;
    return { added: fromHex(added ?? ''), replaced: replaced.map(fromHex) };
  }

  /** Durable before anything else happens. */
  begin({ added, replaced }: PasswordChange): void {
    writePrivateFile(this.#path, Buffer.from(`${[added, ...replaced].map(toHex).join(' ')}\n`));
  }

  end(): void {
    rmSync(this.#path, { force: true });
    syncFolder(dirname(this.#path));
  }

  /** For runs that cannot settle it: nobody gave them a password. */
  warn({ out }: Pick<Context, 'out'>): void {
    if (this.load() === undefined) return;
    out.warn(
      'a change of the password was cut short, and both passwords may open the repository; keephold keys list settles it',
    );
  }
}

const told: Readonly<Record<PasswordChangeEnd, string | undefined>> = {
  finished: 'a change of the password that was cut short is finished: the old one no longer opens',
  undone: 'a change of the password that was cut short is undone: the password given now is the one that opens',
  nothing: undefined,
};

/** Brings a change that was cut short to its end, if there was one. */
export async function settleNotedChange(
  { out }: Pick<Context, 'out'>,
  note: PasswordChangeNote,
  { unlocked, options }: { readonly unlocked: Unlocked; readonly options: ChangeSlotsOptions },
): Promise<Unlocked> {
  const change = note.load();
  if (change === undefined) return unlocked;
  const settled = await settlePasswordChange(unlocked, change, options);
  note.end();
  const text = told[settled.end];
  if (text !== undefined) out.note(text);
  return settled.unlocked;
}
