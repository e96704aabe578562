/** A new account as a body: frames head (JSON) ‖ keyring ‖ number of keychain entries u32 ‖ entries ‖ (slotId ‖ slot) …. */
import { readU32, u32le, utf8Decode, utf8Encode } from '@keephold/bytes';
import { MalformedRecordError } from '../errors.ts';
import { SignUpHead } from './account-schemas.ts';
import { checkJson } from './check-json.ts';
import { decodePresentFrames, encodeFrames } from './frames.ts';
import { LARGEST_RECORD } from './limits.ts';

export interface SignUpBody {
  readonly head: SignUpHead;
  readonly keyring: Uint8Array;
  readonly keychain: readonly Uint8Array[];
  /** That of the password among them. */
  readonly slots: readonly { readonly slotId: Uint8Array; readonly record: Uint8Array }[];
}

const MOST_ENTRIES = 64;

export function encodeSignUpBody({ head, keyring, keychain, slots }: SignUpBody): Uint8Array<ArrayBuffer> {
  const pairs = slots.flatMap(({ slotId, record }) => [slotId, record]);
  return encodeFrames([utf8Encode(JSON.stringify(head)), keyring, u32le(keychain.length), ...keychain, ...pairs]);
}

/** @throws MalformedRecordError unless it is what `encodeSignUpBody` writes; records are not looked at. */
export function decodeSignUpBody(body: Uint8Array): SignUpBody {
  const frames = decodePresentFrames(body, { length: LARGEST_RECORD, count: 3 * MOST_ENTRIES });
  const [head, keyring, count, ...records] = frames;
  if (head === undefined || keyring === undefined || count?.length !== 4) throw malformed();
  const entries = readU32(count, 0);
  const pairs = records.slice(entries);
  if (entries < 1 || entries > MOST_ENTRIES || entries > records.length || pairs.length % 2 === 1) throw malformed();
  const slots = Array.from({ length: pairs.length / 2 }, (_, index) => {
    const [slotId, record] = pairs.slice(2 * index, 2 * index + 2) as [Uint8Array, Uint8Array];
    if (slotId.length !== 16) throw malformed();
    return { slotId, record };
  });
  return { head: readHead(head), keyring, keychain: records.slice(0, entries), slots };
}

function readHead(bytes: Uint8Array): SignUpHead {
  try {
    return checkJson(SignUpHead, JSON.parse(utf8Decode(bytes)));
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): MalformedRecordError {
  return new MalformedRecordError('read new account: its frames are not those of an account', { cause });
}
