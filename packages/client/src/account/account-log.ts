/**
 * What a server says has happened to an account (security.md §5): each entry has the hash of the one before, so that none
 * can be taken out of what is shown without showing another log altogether.
 */
import { utf8Encode } from '@keephold/bytes';
import { equalConstantTime, sha256 } from '@keephold/crypto';
import { decodeRecord, ForkError, MalformedRecordError } from '@keephold/protocol';
import { LARGEST_RECORD, MOST_RECORDS, routes } from '@keephold/protocol/http';
import { readFrames } from '../read-response.ts';
import type { Transport } from '../transport.ts';

const LABEL = utf8Encode('keephold/v1/audit\0');
const LIMITS = { length: LARGEST_RECORD, count: MOST_RECORDS, total: 256 * 1024 * 1024 };
const LONGEST_TEXT = 200;

export interface LogEntry {
  readonly seq: number;
  /** Unix seconds, by the server's clock. */
  readonly time: number;
  /** As the server has it: `signed-in`, `keychain`, `refused`, … */
  readonly type: string;
  /** The beginning of the caller's address. */
  readonly from: string;
  /** Undefined for who signed in with the password or the words. */
  readonly deviceId: Uint8Array | undefined;
  readonly what: string | undefined;
}

/** @throws ForkError when the entries do not follow each other, MalformedRecordError when one is none. */
export async function accountLogOf(transport: Transport): Promise<readonly LogEntry[]> {
  const frames = await transport.call({
    route: routes.accountLog,
    query: { from: 0 },
    read: async (response) => await readFrames(response, LIMITS),
  });
  let previous: Uint8Array = new Uint8Array(32);
  return (frames ?? []).map((frame, at) => {
    if (frame === undefined) throw new MalformedRecordError('read log: an entry is absent');
    const { prevHash, ...entry } = decodeEntry(frame);
    if (entry.seq !== at || !equalConstantTime(prevHash, previous)) {
      throw new ForkError(`read log: entry ${at} does not follow the one before`);
    }
    previous = sha256(LABEL, frame);
    return entry;
  });
}

function decodeEntry(bytes: Uint8Array): LogEntry & { readonly prevHash: Uint8Array } {
  const fields = decodeRecord(bytes, 'log entry');
  fields.uint(0, 1, 1);
  fields.bytes(1, 16);
  const entry = {
    seq: fields.uint(2),
    prevHash: fields.bytes(3, 32),
    time: fields.uint(4),
    type: fields.text(5, LONGEST_TEXT),
    from: fields.text(6, LONGEST_TEXT),
    deviceId: fields.optionalBytes(7, 16),
    what: fields.has(8) ? fields.text(8, LONGEST_TEXT) : undefined,
  };
  fields.end();
  return entry;
}
