/**
 * Codec of keychain entries (security.md §3.11): CBOR `{0:1, 1:accountId, 2:seq, 3:prevHash, 4:type, 5:unix seconds,
 * 6:body, 7:sigAlg = 1, 8:signer}` ‖ Ed25519 signature. The signer is the identity key that signed (32 bytes) or a
 * device id (16 bytes). Parsing checks form only; keychain-state.ts decides what to believe.
 */
import { encodeCbor } from '@keephold/bytes';
import { ChainError, MalformedRecordError } from './errors.ts';
import { asAccountId, asDeviceId, HASH_LENGTH, ID_LENGTH } from './id-from-bytes.ts';
import type { AccountId } from './ids.ts';
import { readKeychainBody, writeKeychainBody } from './keychain-bodies.ts';
import { type AddDeviceBody, type KeychainEntry, type KeychainSigner, SIGNING_KEY_LENGTH } from './keychain-entry.ts';
import { decodeRecord, type RecordFields } from './record-fields.ts';
import { splitSigned } from './signed-record.ts';

const VERSION = 1;
const ED25519 = 1;

export interface ParsedKeychainEntry {
  readonly entry: KeychainEntry;
  /** The CBOR that was signed, a view of the input. */
  readonly body: Uint8Array;
  /** 64 bytes, a view of the input. */
  readonly signature: Uint8Array;
}

/**
 * The CBOR to sign.
 * @throws MalformedRecordError when the entry would be refused by every reader for its form.
 */
export function encodeKeychainEntry(entry: KeychainEntry): Uint8Array<ArrayBuffer> {
  const { type, fields } = writeKeychainBody(entry.body);
  const signer = entry.signer.kind === 'identity' ? entry.signer.identityKey : entry.signer.deviceId;
  const body = encodeCbor(
    new Map<number, number | Uint8Array | typeof fields>([
      [0, VERSION],
      [1, entry.accountId],
      [2, entry.seq],
      [3, entry.prevHash],
      [4, type],
      [5, entry.time],
      [6, fields],
      [7, ED25519],
      [8, signer],
    ]),
  );
  readEntry(decodeRecord(body, 'keychain entry'));
  return body;
}

/**
 * @throws MalformedRecordError on anything but an entry that `encodeKeychainEntry` and `joinSigned` would have made.
 * @throws ChainError `newer-version` when it is of a type, version or algorithm that this version does not know.
 */
export function parseKeychainEntry(bytes: Uint8Array): ParsedKeychainEntry {
  const { body, signature } = splitSigned(bytes, 'keychain entry');
  return { entry: readEntry(decodeRecord(body, 'keychain entry')), body, signature };
}

/**
 * What a device signs when it is added, under the label of keychain entries: an array, so that it can never be read as
 * an entry.
 */
export function deviceCountersigningBody(
  accountId: AccountId,
  body: Omit<AddDeviceBody, 'kind' | 'countersignature'>,
): Uint8Array {
  const { fields } = writeKeychainBody({ ...body, kind: 'add-device', countersignature: new Uint8Array(0) });
  const unsigned = new Map(fields as ReadonlyMap<number, Uint8Array>);
  unsigned.delete(5);
  return encodeCbor([accountId, unsigned]);
}

function readEntry(fields: RecordFields): KeychainEntry {
  requireKnown(fields.uint(0, 1), VERSION, 'version');
  const type = fields.uint(4, 1);
  const seq = fields.uint(2);
  const body = readKeychainBody(type, fields.take(6));
  if (body === undefined) throw newer(`entry ${seq} has type ${type}`);
  requireKnown(fields.uint(7, 1), ED25519, 'signature algorithm');
  const entry = {
    accountId: asAccountId(fields.bytes(1)),
    seq,
    prevHash: fields.bytes(3, HASH_LENGTH),
    time: fields.uint(5),
    signer: readSigner(fields.bytes(8)),
    body,
  };
  fields.end();
  return entry;
}

function readSigner(signer: Uint8Array): KeychainSigner {
  if (signer.length === SIGNING_KEY_LENGTH) return { kind: 'identity', identityKey: signer };
  if (signer.length === ID_LENGTH) return { kind: 'device', deviceId: asDeviceId(signer) };
  throw new MalformedRecordError(`read keychain entry: signer of ${signer.length} bytes`);
}

function requireKnown(value: number, known: number, what: string): void {
  if (value !== known) throw newer(`${what} ${value}`);
}

function newer(cause: string): ChainError {
  return new ChainError('newer-version', `read keychain: ${cause} is not known to this version`);
}
