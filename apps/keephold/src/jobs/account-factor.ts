/** `keephold account factor`: the second factor of an account on a server. */
import {
  factorOn,
  HttpError,
  type OfferedFactor,
  offerFactor,
  removeFactorOn,
  renewRecoveryCodesOn,
} from '@keephold/client';
import { totpKeyText, totpUri } from '@keephold/crypto/totp';
import { DeviceStore } from '../access/device-store.ts';
import { typeCode } from '../access/second-factor.ts';
import type { ServerCustody } from '../access/server-custody.ts';
import { requireOwner } from '../access/unlock.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';
import { qrCode } from '../terminal/qr-code.ts';
import { counted, formatClock } from '../terminal/units.ts';

export async function tellFactor(context: Context, custody: ServerCustody): Promise<void> {
  const { out, environment } = context;
  const role = new DeviceStore(environment, custody.account.accountId).load()?.role;
  if (role !== 'trusted') await requireOwner(context, custody, 'on this device this needs the password');
  const { since, codesLeft } = await factorOn(custody.transport);
  const isOn = since !== undefined;
  await out.record({ type: 'factor', isOn, since: isOn ? new Date(since).toISOString() : null, codesLeft });
  const left = counted(codesLeft, 'recovery code');
  await out.result(
    isOn ? `codes are asked for since ${formatClock(since)}; ${left} left` : 'the password is enough to sign in',
  );
}

export async function addFactor(context: Context, custody: ServerCustody): Promise<void> {
  const { terminal, out } = context;
  if (!terminal.canAsk) throw new UsageError('adding a second factor needs a terminal to ask for a code on');
  await requireOwner(context, custody, 'adding a second factor needs the password');
  const { origin, account, transport } = custody;
  const offered = await offerFactor(transport);
  const uri = totpUri(offered.secret, { issuer: `Keephold ${new URL(origin).hostname}`, account: account.name });
  const key = totpKeyText(offered.secret);
  await out.record({ type: 'factor-offered', uri, key });
  const scan = `scan this with an authenticator app, or type the key into it:\n\n${qrCode(uri)}\n\n  ${inFours(key)}\n`;
  await out.result(scan);
  // Before the question, which goes to standard error.
  await out.flush();
  await confirm(context, offered);
  await tellCodes(context, offered);
}

const TRIES = 5;

/** @throws whatever the server says after the last wrong code; nothing is changed then */
async function confirm(context: Context, offered: OfferedFactor): Promise<void> {
  for (let left = TRIES; ; left--) {
    const code = await typeCode(context, 'the code that the app shows now: ');
    try {
      await offered.confirm(code);
      return;
    } catch (error) {
      if (error instanceof HttpError && error.code === 'unavailable') await tellUncertain(context, offered);
      if (!isRefused(error) || left <= 1) throw error;
      context.out.error('that is not it; wait for the next one. The clock of the device with the app must be right');
    }
  }
}

/** The answer may have been lost when all was done: then these are the way in. */
async function tellUncertain(context: Context, offered: OfferedFactor): Promise<void> {
  context.out.warn('it is not certain whether the second factor is there now: keephold account factor tells');
  await tellCodes(context, offered);
}

async function tellCodes({ out }: Context, { recoveryCodes }: OfferedFactor): Promise<void> {
  const codes = recoveryCodes.map(inFives);
  const text = [
    'from now on the password needs a code beside it; the 24 words do not.',
    'Write these down: each signs in once in place of a code, and they are not shown again.',
    '',
    ...codes.map((code) => `  ${code}`),
  ].join('\n');
  await out.answer(text, { type: 'factor-added', recoveryCodes: codes });
}

/** For who has used most of them, or lost the paper. */
export async function renewCodes(context: Context, custody: ServerCustody): Promise<void> {
  await requireOwner(context, custody, 'new recovery codes need the password and a code, or the 24 words');
  await requireFactor(custody);
  const codes = (await renewRecoveryCodesOn(custody.transport)).map(inFives);
  const text = [
    'these take the place of the recovery codes before, which are worth nothing now.',
    'Write them down: each signs in once in place of a code, and they are not shown again.',
    '',
    ...codes.map((code) => `  ${code}`),
  ].join('\n');
  await context.out.answer(text, { type: 'recovery-codes', recoveryCodes: codes });
}

/** @throws CommandError 'no-factor' */
async function requireFactor({ transport }: ServerCustody): Promise<void> {
  if ((await factorOn(transport)).since !== undefined) return;
  throw new CommandError('the account has no second factor', {
    code: 'no-factor',
    exitCode: exitCodes.failed,
    hint: 'keephold account factor add adds one',
  });
}

export async function removeFactor(context: Context, custody: ServerCustody): Promise<void> {
  await requireOwner(context, custody, 'removing the second factor needs the password and a code, or the 24 words');
  await requireFactor(custody);
  try {
    await removeFactorOn(custody.transport);
  } catch (error) {
    // It was there a moment ago: the first answer was lost.
    if (!(error instanceof HttpError) || error.problem !== 'not-found') throw error;
  }
  await context.out.answer('the password is enough to sign in now', { type: 'factor-removed' });
}

function isRefused(error: unknown): boolean {
  return error instanceof HttpError && (error.problem === 'factor-refused' || error.problem === 'malformed');
}

function inFours(text: string): string {
  return text.replace(/(.{4})(?=.)/g, '$1 ');
}

function inFives(text: string): string {
  return text.replace(/(.{5})(?=.)/g, '$1-');
}
