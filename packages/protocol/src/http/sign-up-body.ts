/** A new account as a body: frames invitation ‖ keyring ‖ number of keychain entries u32 ‖ entries ‖ (slotId ‖ slot) …. */
import { readU32, u32le, utf8Decode, utf8Encode } from '@keephold/bytes';
import { MalformedRecordError } from '../errors.ts';
import { decodePresentFrames, encodeFrames } from './frames.ts';
import { LARGEST_RECORD } from './limits.ts';

export interface GenesisBody {
  readonly invitation: string;
  readonly keyring: Uint8Array;
  readonly keychain: readonly Uint8Array[];
  readonly slots: readonly { readonly slotId: Uint8Array; readonly record: Uint8Array }[];
}

const MOST_ENTRIES = 64;

export function encodeGenesisBody({ invitation, keyring, keychain, slots }: GenesisBody): Uint8Array<ArrayBuffer> {
  const pairs = slots.flatMap(({ slotId, record }) => [slotId, record]);
  return encodeFrames([utf8Encode(invitation), keyring, u32le(keychain.length), ...keychain, ...pairs]);
}

/** @throws MalformedRecordError unless it is what `encodeGenesisBody` writes; records are not looked at. */
export function decodeGenesisBody(body: Uint8Array): GenesisBody {
  const frames = decodePresentFrames(body, { length: LARGEST_RECORD, count: 3 * MOST_ENTRIES });
  const [invitation, keyring, count, ...records] = frames;
  if (invitation === undefined || keyring === undefined || count?.length !== 4) throw malformed();
  const entries = readU32(count, 0);
  const pairs = records.slice(entries);
  if (entries < 1 || entries > MOST_ENTRIES || entries > records.length || pairs.length % 2 === 1) throw malformed();
  const slots = Array.from({ length: pairs.length / 2 }, (_, index) => {
    const [slotId, record] = pairs.slice(2 * index, 2 * index + 2) as [Uint8Array, Uint8Array];
    if (slotId.length !== 16) throw malformed();
    return { slotId, record };
  });
  return { invitation: utf8Decode(invitation), keyring, keychain: records.slice(0, entries), slots };
}

function malformed(): MalformedRecordError {
  return new MalformedRecordError('read new account: its frames are not those of an account');
}
