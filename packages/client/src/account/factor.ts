/** The second factor of an account on a server, for who has just signed in. */
import { fromBase64Url, toHex, utf8Encode } from '@keephold/bytes';
import { routes, type schemas } from '@keephold/protocol/http';
import { readChecked, readNothing } from '../read-response.ts';
import type { Answer } from '../send.ts';
import type { Transport } from '../transport.ts';

export interface AccountFactor {
  /** Unix milliseconds; undefined: there is none. */
  readonly since?: number;
  /** Recovery codes that were not used. */
  readonly codesLeft: number;
}

export async function factorOn(transport: Transport): Promise<AccountFactor> {
  const { answer } = routes.factor;
  const read = async (response: Answer): Promise<AccountFactor> => await readChecked(response, answer.schema);
  return (await transport.call({ route: routes.factor, read })) ?? { codesLeft: 0 };
}

export interface OfferedFactor {
  /** For the authenticator app. */
  readonly secret: Uint8Array;
  /** Of 20 hexadecimal digits, each good once. */
  readonly recoveryCodes: readonly string[];
  /** With a code of the app: from then on there is a second factor. @throws HttpError 'factor-refused' for a wrong one */
  readonly confirm: (code: string) => Promise<void>;
}

type Started = schemas.AnswerOf<typeof schemas.FactorStartAnswer>;

/** @throws HttpError 'refused' when there is one already */
export async function offerFactor(transport: Transport): Promise<OfferedFactor> {
  const read = async (response: Answer): Promise<Started> =>
    await readChecked(response, routes.startFactor.answer.schema);
  const started = (await transport.call({ route: routes.startFactor, read })) as Started;
  const { attemptId, secret, recoveryCodes } = started;
  return {
    secret: fromBase64Url(secret),
    recoveryCodes: recoveryCodes.map((code) => toHex(fromBase64Url(code))),
    confirm: async (code) => {
      const body = utf8Encode(JSON.stringify({ attemptId, code: plainCode(code) }));
      await transport.call({ route: routes.finishFactor, body, read: readNothing });
    },
  };
}

/** Others of 20 hexadecimal digits; those before are worth nothing. @throws HttpError 'not-found' without a second factor */
export async function renewRecoveryCodesOn(transport: Transport): Promise<readonly string[]> {
  const { answer } = routes.renewRecoveryCodes;
  const read = async (response: Answer): Promise<Pick<Started, 'recoveryCodes'>> =>
    await readChecked(response, answer.schema);
  const answered = await transport.call({ route: routes.renewRecoveryCodes, read });
  return (answered?.recoveryCodes ?? []).map((code) => toHex(fromBase64Url(code)));
}

/** @throws HttpError 'not-found' when there is none */
export async function removeFactorOn(transport: Transport): Promise<void> {
  await transport.call({ route: routes.removeFactor, read: readNothing });
}

/** As people type codes: with blanks and hyphens, in capitals. */
export function plainCode(typed: string): string {
  return typed.replace(/[\s-]/g, '').toLowerCase();
}

/** What no server needs to be asked about. */
export function looksLikeCode(typed: string): boolean {
  return /^([0-9]{6}|[0-9a-f]{20})$/.test(plainCode(typed));
}
