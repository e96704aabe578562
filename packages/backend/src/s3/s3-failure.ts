/** What an S3 store's refusals mean to the Backend seam. */
import { BackendError, type BackendErrorCode } from '../errors.ts';
import type { Answer } from './exchange.ts';

/** Signed times may differ from the store's clock by 15 minutes. */
const SKEW = 10 * 60_000;
const CODE = /<Code>([A-Za-z0-9]{1,64})<\/Code>/;
/** Damage on the way, or a moment in which the store could not: the same request may succeed. */
const PASSING = new Set(['RequestTimeout', 'BadDigest', 'XAmzContentSHA256Mismatch', 'ConditionalRequestConflict']);
const EXPECTED = new Set([404, 412, 416]);
const NO_ROOM = new Set(['QuotaExceeded', 'EntityTooLarge']);

/** The store's own word for a refusal, `undefined` where it gave none. */
export function s3Code({ body }: Answer): string | undefined {
  return CODE.exec(new TextDecoder().decode(body.subarray(0, 4096)))?.[1];
}

export type Verdict = 'answered' | 'try-again' | 'refused';

export function judge(answer: Answer): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return 'answered';
  const code = s3Code(answer);
  if (EXPECTED.has(status) && code !== 'NoSuchBucket') return 'answered';
  if ((status >= 500 && status !== 501 && status !== 507) || [408, 409, 429].includes(status)) return 'try-again';
  return PASSING.has(code ?? '') ? 'try-again' : 'refused';
}

/** @param now Unix milliseconds at which the answer came. */
export function asRefusal(answer: Answer, action: string, now: number): BackendError {
  const code = s3Code(answer);
  const told = code === undefined ? `status ${answer.status}` : `${code} (status ${answer.status})`;
  return new BackendError(errorCode(answer.status, code), `${action}: the store says ${told}${skewText(answer, now)}`);
}

function errorCode(status: number, code: string | undefined): BackendErrorCode {
  if (status === 507 || NO_ROOM.has(code ?? '')) return 'no-room';
  return status === 401 || status === 403 ? 'no-permission' : 'io';
}

function skewText({ status, headers }: Answer, now: number): string {
  const skew = now - Date.parse(headers.date ?? '');
  if (status !== 403 || !(Math.abs(skew) > SKEW)) return '';
  const minutes = Math.round(Math.abs(skew) / 60_000);
  return `; the clock here is ${minutes} minutes ${skew > 0 ? 'ahead of' : 'behind'} the store's`;
}
