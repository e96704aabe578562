/** What is answered about accounts that are not there: the same at every question, and like any other answer. */
import { utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { type AccountId, asAccountId, ID_LENGTH } from '@keephold/protocol';

/** `whom`: the name or recovery id that was asked for. */
export function decoyId(secret: Uint8Array, what: 'account' | 'credential', whom: string | Uint8Array): AccountId {
  const bytes = typeof whom === 'string' ? utf8Encode(whom) : whom;
  return asAccountId(sha256(secret, utf8Encode(`${what}\0`), bytes).slice(0, ID_LENGTH));
}
