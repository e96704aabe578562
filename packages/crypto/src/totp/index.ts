/** Codes by time as a second factor (RFC 6238), for the app of a server and for clients that show its secret. */
export { type FactorToCheck, type NewFactor, SealedTotp } from './sealed-totp.ts';
export { totpKeyText, totpUri } from './totp.ts';
