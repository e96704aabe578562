/** From what a server or the network did to the errors of the Custody seam. */
import { CustodyError, type CustodyErrorCode } from '@keephold/protocol';
import { checkJson, Problem, type ProblemCode } from '@keephold/protocol/http';
import type { Answer } from './send.ts';

/** What a problem of a server is in the words of the seam. */
const CODES: Readonly<Record<ProblemCode, CustodyErrorCode>> = {
  'no-repository': 'no-repository',
  'newer-version': 'newer-version',
  'no-room': 'no-room',
  'no-permission': 'no-permission',
  damaged: 'damaged',
  'keychain-damaged': 'keychain-damaged',
  refused: 'refused',
  'read-only': 'read-only',
  unavailable: 'unavailable',
  unauthenticated: 'no-permission',
  forbidden: 'no-permission',
  'sign-in-refused': 'no-permission',
  'sign-up-refused': 'no-permission',
  'factor-refused': 'no-permission',
  'too-many-tries': 'no-permission',
  'over-quota': 'no-room',
  suspended: 'no-permission',
  'not-found': 'refused',
  malformed: 'refused',
  'too-large': 'refused',
  'too-slow': 'unavailable',
  stopping: 'unavailable',
  busy: 'unavailable',
  failed: 'unavailable',
};

/** Faults of what is stored, which no waiting mends. */
const LASTING: ReadonlySet<ProblemCode> = new Set(['damaged', 'keychain-damaged']);

const HINTS: Readonly<Partial<Record<ProblemCode, string>>> = {
  'keychain-damaged':
    'no data is lost by that: whoever runs the server takes it from its second site or its saved data folder; until then nobody can sign in',
  forbidden: 'a device may back up and read its own vaults; deleting, and changing ways in, takes the password',
  unauthenticated: 'the device may have been revoked; keephold login adds this computer again',
  'sign-up-refused':
    'the invitation may be used, too old or mistyped, or somebody has that name: try another with --account',
  'over-quota':
    'everything that is stored can be read and restored, and what this run has stored is kept for the next to go on with; keephold forget makes room when its delays have passed, or ask whoever runs the server for a larger plan',
  suspended:
    'everything that is stored can be read and restored, and nothing is deleted for this; whoever runs the server can say why, and end it',
  'factor-refused':
    'each code is good once: wait for the next one. A recovery code does as well, and so do the 24 words in place of password and code; the clock of the device with the app must be right',
  'too-many-tries': 'wait for some minutes; devices that are signed in already are not touched by this',
};

export class HttpError extends CustodyError {
  /** What the server said; undefined when nothing came from it. */
  readonly problem: ProblemCode | undefined;
  /** Milliseconds after which it may be tried again; undefined: not at all. */
  readonly retryAfter: number | undefined;
  constructor(
    code: CustodyErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly problem?: ProblemCode;
      readonly retryAfter?: number;
      readonly hint?: string;
    } = {},
  ) {
    const { problem, hint } = options;
    super(code, message, { ...options, hint: hint ?? (problem && HINTS[problem]) });
    this.name = 'HttpError';
    this.problem = problem;
    this.retryAfter = options.retryAfter;
  }
}

/** Longer texts of a server are not shown. */
const MOST_TEXT = 300;

export async function problemError(action: string, response: Answer): Promise<HttpError> {
  const retryAfter = retryAfterOf(response);
  const again = retryAfter === undefined ? {} : { retryAfter };
  try {
    const text = await limitedText(response);
    const { code, title, detail } = checkJson(Problem, JSON.parse(text));
    const says = (detail ?? title).slice(0, MOST_TEXT);
    return new HttpError(CODES[code], `${action}: ${says}`, { problem: code, ...(!LASTING.has(code) && again) });
  } catch (cause) {
    const code: CustodyErrorCode = response.status >= 500 ? 'unavailable' : 'refused';
    return new HttpError(code, `${action}: the server answered ${response.status}`, { cause, ...again });
  }
}

/** @throws HttpError always: there is no network, or it broke. */
export function networkError(action: string, host: string, cause: unknown): HttpError {
  const distrust = distrustOf(cause);
  if (distrust !== undefined) return notTrusted(`${action}: ${host} ${distrust}`, cause);
  const isLate = cause instanceof Error && cause.name === 'TimeoutError';
  const says = isLate ? `no answer from ${host} in time` : `no network, or ${host} cannot be reached`;
  return new HttpError('unavailable', `${action}: ${says}`, { cause, retryAfter: 0 });
}

const NOT_TRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate that it signed itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate of an authority that this computer does not know',
  UNABLE_TO_GET_ISSUER_CERT: 'has a certificate of an authority that this computer does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'has a certificate of an authority that this computer does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate of an authority that this computer does not know',
  CERT_SIGNATURE_FAILURE: 'has a certificate with a wrong signature',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet, or the clock here is wrong',
  CERT_REVOKED: 'has a certificate that was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
};

/** `fetch` wraps what sockets throw. */
function distrustOf(cause: unknown): string | undefined {
  const { code, cause: inner } = (cause ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === 'string' && Object.hasOwn(NOT_TRUSTED, code)) return NOT_TRUSTED[code];
  return inner instanceof Error ? distrustOf(inner) : undefined;
}

/** Trying again does not help. */
function notTrusted(message: string, cause: unknown): HttpError {
  const hint =
    'nothing was sent; for an authority of your own, name the file of its certificate (PEM) in NODE_EXTRA_CA_CERTS';
  return new HttpError('refused', message, { cause, hint });
}

function retryAfterOf({ status, headers }: Answer): number | undefined {
  // 429 is for people who guess: they are to wait themselves.
  if (status !== 408 && status < 500) return undefined;
  // A full disk does not empty itself while we wait.
  if (status === 501 || status === 507) return undefined;
  const seconds = Number(headers.get('retry-after') ?? '0');
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) * 1000 : 0;
}

const MOST_PROBLEM = 16 * 1024;

async function limitedText(response: Answer): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  await response.readBody((piece) => {
    text += decoder.decode(piece, { stream: true });
    if (text.length > MOST_PROBLEM) throw new TypeError('too long');
  });
  return text;
}
