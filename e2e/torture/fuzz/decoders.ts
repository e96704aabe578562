/** Every decoder of bytes that come from a disk, a keeper or a user. */
import { parseArguments } from '../../../apps/keephold/src/command-line/parse-arguments.ts';
import { bytesFromRawText, rawTextFromBytes } from '../../../apps/keephold/src/command-line/raw-text.ts';
import { parseSnapshotPath } from '../../../apps/keephold/src/command-line/snapshot-path.ts';
import { verbs } from '../../../apps/keephold/src/command-line/verbs.ts';
import { namePattern } from '../../../apps/keephold/src/listing/name-pattern.ts';
import { printable } from '../../../apps/keephold/src/terminal/printable.ts';
import {
  concatBytes,
  decodeCbor,
  encodeCbor,
  equalBytes,
  fromHex,
  type PackKind,
  readU32,
  utf8Encode,
} from '../../../packages/bytes/src/index.ts';
import {
  asKey,
  decodeDeviceBundle,
  openAsRecipient,
  openObject,
  wordsToEntropy,
} from '../../../packages/crypto/src/index.ts';
import { sha256 } from '../../../packages/crypto/src/verify.ts';
import { encodeKeeperRecord, parseKeeperRecord } from '../../../packages/custody/src/chain/keeper-record.ts';
import { encodeMarker, parseMarker } from '../../../packages/custody/src/marker.ts';
import { isWholeParity, mendFile, readParityFile } from '../../../packages/custody/src/parity/parity-file.ts';
import {
  encodeParityHead,
  parityHeadLength,
  parseParityHead,
} from '../../../packages/custody/src/parity/parity-head.ts';
import { encodeIndexPayload, parseIndexPayload } from '../../../packages/engine/src/index-object.ts';
import { decodeList, encodeList } from '../../../packages/engine/src/list-codec.ts';
import { createZstd } from '../../../packages/engine/src/node/zstd.ts';
import { checkContents, parseTail, TAIL_BYTES } from '../../../packages/engine/src/pack-contents.ts';
import { decodeCommitLogState, encodeCommitLogState } from '../../../packages/engine/src/reading/commit-log-state.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../packages/engine/src/snapshot.ts';
import { decodeTree } from '../../../packages/engine/src/tree-codec.ts';
import { nativeLibrary } from '../../../packages/ffi/src/index.ts';
import { encodeCommit, parseCommit } from '../../../packages/protocol/src/commit-codec.ts';
import { MalformedRecordError } from '../../../packages/protocol/src/errors.ts';
import { encodeKeychainEntry, parseKeychainEntry } from '../../../packages/protocol/src/keychain-codec.ts';
import { encodePackHeader, parsePackHeader } from '../../../packages/protocol/src/pack-header.ts';
import { checkPackIdList } from '../../../packages/protocol/src/pack-id-list.ts';
import { joinSigned } from '../../../packages/protocol/src/signed-record.ts';
import { globToRegExp } from '../../../packages/source-files/src/excludes/glob-to-regexp.ts';
import { createSelector } from '../../../packages/source-files/src/excludes/selector.ts';
import { decodeDeviceState } from '../../../packages/vault/src/device-state.ts';
import { decodeGrant, encodeGrant } from '../../../packages/vault/src/grant.ts';
import { decodeKeyring, encodeKeyring } from '../../../packages/vault/src/keyring.ts';
import { decodeSlotRecord, encodeSlotRecord } from '../../../packages/vault/src/slot-record.ts';
import { caches } from './caches.ts';
import { codec, type Decoder, reader } from './decoder.ts';
import { opened as openedFiles } from './openers.ts';
import * as records from './records.ts';

const { format } = records;
const PAGE = 65_536;

const recordsOfDisk: readonly Decoder[] = [
  codec('cbor', [...records.trees, records.slotRecord], (bytes) => decodeCbor(bytes), encodeCbor),
  codec('pack-header', records.headers, (bytes) => parsePackHeader(exactly(bytes, 96)), encodePackHeader),
  reader('pack-trailer', records.trailers, (bytes) => checkTrailer(bytes)),
  codec('index', [fromHex(format.indexObject.payload)], (bytes) => parseIndexPayload(bytes, 1), encodeIndexPayload),
  codec(
    'meta-index',
    [fromHex(format.metaIndexObject.payload)],
    (bytes) => parseIndexPayload(bytes, 2),
    encodeIndexPayload,
  ),
  // There is no writer of a decoded tree: that of its CBOR shows that it was written in the one way.
  { name: 'tree', seeds: records.trees, decode: (bytes) => (decodeTree(bytes), encodeCbor(decodeCbor(bytes))) },
  codec('list', records.lists, (bytes) => decodeList(bytes, { childKind: 1 }), encodeList),
  codec('snapshot', [fromHex(format.snapshot.payload)], decodeSnapshot, encodeSnapshot),
  codec('commit', records.commits, parseCommit, ({ commit, signature }) => joinSigned(encodeCommit(commit), signature)),
  codec('keychain', records.keychainEntries, parseKeychainEntry, ({ entry, signature }) =>
    joinSigned(encodeKeychainEntry(entry), signature),
  ),
  codec('slot', [records.slotRecord], decodeSlotRecord, encodeSlotRecord),
  codec('keyring', [records.keyring], decodeKeyring, encodeKeyring),
  codec('grant', [records.grant], decodeGrant, encodeGrant),
  codec('commit-log', [records.commitLog], decodeCommitLogState, encodeCommitLogState),
  // With the right checksum, which anybody can make.
  codec(
    'refset-file',
    [records.keeperRecord.slice(0, -32)],
    (bytes) => parseKeeperRecord(concatBytes(bytes, sha256(bytes)), 1),
    (record) => encodeKeeperRecord(record).slice(0, -32),
  ),
  // With the right checksum, as above.
  codec(
    'parity-head',
    records.parityHeads.map((head) => head.slice(0, -32)),
    (bytes) => {
      const head = parseParityHead(concatBytes(bytes, sha256(bytes)));
      return parityHeadLength(head.shape) === bytes.length + 32 ? head : refuse('longer than the record');
    },
    (head) => encodeParityHead(head).slice(0, -32),
  ),
  { ...reader('parity-file', records.parityFiles, (bytes) => mendFrom(bytes)), share: 0.2 },
  reader('pack-ids', [new Uint8Array(0), new Uint8Array(64).fill(1, 32)], checkPackIdList),
  reader('marker', [encodeMarker(parseMarker(utf8Encode(marker())))], parseMarker),
];

const sealed: readonly Decoder[] = [
  opened('sealed-object', fromHex(format.sealedObject.object), (bytes) =>
    openObject({
      bytes,
      expect: { type: 0x01, contextId: fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'), epoch: 1 },
      key: asKey('KeyringKey', fromHex(format.sealedObject.input.K)),
    }),
  ),
  {
    ...opened('session-object', fromHex(format.sessionObjectHpke.object), (bytes) =>
      openAsRecipient({
        bytes,
        expect: { type: 0x11, contextId: fromHex('000102030405060708090a0b0c0d0e0f'), epoch: 3 },
        seed: asKey('XWingSeed', fromHex(format.sessionObjectHpke.input.readKeySeed)),
      }),
    ),
    share: 0.05,
  },
  reader('zstd-frame', [compressed()], (bytes) => createZstd(nativeLibrary()).decompress(bytes, new Uint8Array(5000))),
  reader('zstd-frame-portable', [compressed()], (bytes) =>
    createZstd(undefined).decompress(bytes, new Uint8Array(5000)),
  ),
];

const text = (...lines: readonly string[]): Uint8Array => Buffer.from(lines.join('\n'), 'latin1');
const tables = await Promise.all(Object.values(verbs).map(async (verb) => (await verb.load()).options));

const written: readonly Decoder[] = [
  reader(
    'exclude-patterns',
    [text('a/b.c', '*.c', '!a/**', '/x[a-z]?/'), text('x', '\\!y', 'doc/**/z', '[[:alpha:]]')],
    (bytes) => {
      const [path = '', ...patterns] = latin1(bytes).split('\n');
      createSelector({ include: patterns.slice(0, 1), exclude: patterns.slice(1) }).select(text(path), false);
    },
  ),
  reader('glob', [text('aaaaaaaaaaaaaaaaaaaaaaaaaaa', '*a*a?[!b]**/c')], (bytes) => {
    const [path = '', pattern = ''] = latin1(bytes).split('\n');
    globToRegExp(pattern)?.test(path.slice(0, 255));
  }),
  reader('name-pattern', [text('report.txt', 'rep*[a-f]?.t**'), text('a', 'a')], (bytes) => {
    const [name = '', pattern = ''] = latin1(bytes).split('\n');
    namePattern(pattern).matches(text(name.slice(0, 255)), () => text(name.slice(0, 255)));
  }),
  reader(
    'command-line',
    [text('--json', '-q', '--exclude=*.c', 'x'), text('--memory', '64MB', '--', '-x'), text('--read-data=10%')],
    (bytes) => {
      const words = rawTextFromBytes(bytes).split('\n');
      for (const table of tables) quietly(() => parseArguments(words, table));
    },
  ),
  codec(
    'raw-text',
    [text('caf\xe9'), utf8Encode('café'), text('\xed\xa0\x80\xff')],
    rawTextFromBytes,
    bytesFromRawText,
  ),
  reader('snapshot-path', [text('latest:/a/b'), text('#12'), text('3f9a:x')], (bytes) =>
    parseSnapshotPath(latin1(bytes)),
  ),
  reader('recovery-words', [utf8Encode(records.words)], (bytes) => wordsToEntropy(latin1(bytes))),
  reader('printable', [text('a\x1b[2J\u0085')], (bytes) => {
    if (/\p{Cc}/u.test(printable(bytes))) throw new RangeError('a control character is left');
  }),
  ...caches,
  reader('device-bundle', [records.deviceBundle], decodeDeviceBundle),
  { ...reader('device-state', [records.deviceState], decodeDeviceState), share: 0.2 },
];

export const decoders: readonly Decoder[] = [...recordsOfDisk, ...sealed, ...written, ...openedFiles];

/** Only the sealed object itself may open; then all of it does. */
function opened(name: string, object: Uint8Array, open: (bytes: Uint8Array) => Promise<Uint8Array>): Decoder {
  let payload: Uint8Array | undefined;
  return {
    name,
    seeds: [object],
    decode: async (bytes) => {
      const answer = await open(bytes);
      payload ??= answer;
      return equalBytes(payload, answer) ? object : new Uint8Array(0);
    },
  };
}

function checkTrailer(bytes: Uint8Array): void {
  const end = bytes.subarray(-TAIL_BYTES);
  const pages = end.length === TAIL_BYTES && readU32(end, 0) > PAGE ? 2 : 1;
  const tail = parseTail(end, pages * PAGE);
  const rows = bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES - tail.trailerLength), -TAIL_BYTES);
  const contents = { frames: rows.subarray(0, tail.frames * 16), blobs: rows.subarray(tail.frames * 16) };
  for (const kind of [1, 2] satisfies PackKind[]) quietly(() => checkContents(kind, contents, tail.trailerOffset));
}

/** A file that is gone, by parity that may be anything. */
function mendFrom(bytes: Uint8Array): void {
  const parity = readParityFile(bytes, records.parityName);
  isWholeParity(bytes, parity);
  mendFile(records.parityName, new Uint8Array(0), parity);
}

function refuse(cause: string): never {
  throw new MalformedRecordError(cause);
}

/** The header stands before the rest of its pack, which is not looked at. */
function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length > length) throw new MalformedRecordError('longer than the record');
  return bytes;
}

/** Goes on after a typed error, so that what follows is reached. */
function quietly(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function marker(): string {
  return `keephold repository\nversion 1\naccount ${'0'.repeat(32)}\n`;
}

function compressed(): Uint8Array {
  const target = new Uint8Array(6000);
  const source = new Uint8Array(5000).map((_, i) => (i * i) % 251);
  return target.slice(0, createZstd(nativeLibrary()).compress(source, target, 3));
}
