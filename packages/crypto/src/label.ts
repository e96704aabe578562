/**
 * Domain separation: every derivation and signature starts with one of these labels (security.md §3.1), so that no
 * output serves two purposes. The list is exhaustive; adding one changes the format.
 */

const LABELS = [
  // format.md
  'chunker/gear',
  'pack',
  'salt',
  'seal',
  'packs',
  'refset',
  'commit',
  'sig/commit',
  'hpke/session',
  'snapshot/key',
  // security.md
  'hpke/grant',
  'hpke/contact',
  'hpke/share',
  'hpke/legacy',
  'ark/keyring',
  'ark/names',
  'kek/password',
  'kek/password-local',
  'kek/passkey',
  'kek/recovery',
  'kek/contacts',
  'auth/recovery',
  'prf',
  'pw',
  'device-fp',
  'safety',
  'keychain',
  'sig/keychain',
  'sig/beacon',
  'sig/request',
  'sig/cancel',
  'pair/id',
  'pair/device',
  'pair/client',
  'pair/confirm',
  'chain/id',
  'chain/session',
  'chain/next',
  'link/auth',
  'link/enc',
  'link/pwsalt',
  'session/bind',
  'audit',
  'factor',
] as const;

export type Label = (typeof LABELS)[number];

const encoder = new TextEncoder();
const encoded: ReadonlyMap<Label, Uint8Array> = new Map(
  LABELS.map((text) => [text, encoder.encode(`keephold/v1/${text}\0`)]),
);

/** The bytes `keephold/v1/<text>` and a zero. Shared: must not be written to. */
export function label(text: Label): Uint8Array {
  const bytes = encoded.get(text);
  if (bytes === undefined) throw new TypeError(`use label: ${text} is not in the list`);
  return bytes;
}
