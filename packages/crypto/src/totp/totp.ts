/** Codes by time (RFC 6238): six digits, SHA-1, steps of 30 s, which is what every authenticator app can. */
import { Secret, TOTP } from 'otpauth';

/** Bytes; that of SHA-1, as RFC 4226 recommends. */
export const TOTP_SECRET_LENGTH = 20;
/** Seconds. */
const PERIOD = 30;
/** Steps that a clock may be off, either way. */
const WINDOW = 1;

export interface CodeToCheck {
  readonly secret: Uint8Array;
  /** Six digits. */
  readonly code: string;
  /** Unix milliseconds. */
  readonly now: number;
}

/** The step that the code belongs to, counted from 1970; undefined when it is of none around now. */
export function totpStep({ secret, code, now }: CodeToCheck): number | undefined {
  if (!/^[0-9]{6}$/.test(code)) return undefined;
  const off = new TOTP({ secret: secretOf(secret), period: PERIOD }).validate({
    ...{ token: code, timestamp: now, window: WINDOW },
  });
  return off === null ? undefined : Math.floor(now / 1000 / PERIOD) + off;
}

export interface FactorNames {
  /** The server, as its owner calls it. */
  readonly issuer: string;
  /** The account. */
  readonly account: string;
}

/** What authenticator apps read as a QR code. */
export function totpUri(secret: Uint8Array, { issuer, account }: FactorNames): string {
  return new TOTP({ issuer, label: account, secret: secretOf(secret), period: PERIOD }).toString();
}

/** The secret as it is typed in: base32. */
export function totpKeyText(secret: Uint8Array): string {
  return secretOf(secret).base32;
}

function secretOf(secret: Uint8Array): Secret {
  return new Secret({ buffer: new Uint8Array(secret).buffer });
}
