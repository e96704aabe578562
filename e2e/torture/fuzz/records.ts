/** Valid records of every kind: from the vectors, and drawn from a fixed seed where they have none. */
import fc from 'fast-check';
import { concatBytes, encodeCbor, fromHex } from '../../../packages/bytes/src/index.ts';
import { asKey } from '../../../packages/crypto/src/index.ts';
import { encodeKeeperRecord } from '../../../packages/custody/src/chain/keeper-record.ts';
import { makeParityFile } from '../../../packages/custody/src/parity/parity-file.ts';
import { parityHeadLength, parseParityHead } from '../../../packages/custody/src/parity/parity-head.ts';
import { encodeCommitLogState } from '../../../packages/engine/src/reading/commit-log-state.ts';
import { arbitraryBodies, arbitraryEntry } from '../../../packages/protocol/src/_arbitrary-records.ts';
import { encodeCommit } from '../../../packages/protocol/src/commit-codec.ts';
import { asAccountId, asDeviceId, asObjectName, asStreamId, asVaultId } from '../../../packages/protocol/src/index.ts';
import { encodeKeychainEntry } from '../../../packages/protocol/src/keychain-codec.ts';
import { joinSigned } from '../../../packages/protocol/src/signed-record.ts';
import { encodeDeviceState, generateDeviceKeys } from '../../../packages/vault/src/device-state.ts';
import { decodeGrant, encodeGrant } from '../../../packages/vault/src/grant.ts';
import { encodeKeyring } from '../../../packages/vault/src/keyring.ts';
import { encodeSlotRecord } from '../../../packages/vault/src/slot-record.ts';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };

const { V } = vectors;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const pin = { seq: 3, hash: filled(32, 9) };
const keys = { idKey: asKey('IdKey', filled(32, 1)), chunkerKey: asKey('ChunkerKey', filled(32, 2)) };
const account = asAccountId(filled(16, 4));
const vault = asVaultId(filled(16, 5));

export const trees: readonly Uint8Array[] = [
  fromHex(V.treeBlob.plaintext),
  fromHex(V.treeBlobRoot.plaintext),
  fullTree(),
];
export const parityName = 'account/keychain/0000000000';
export const parityFiles: readonly Uint8Array[] = [700, 40_000].map((length) =>
  makeParityFile({ name: parityName, bytes: filled(length, 7), percent: 100, packPercent: 10 }),
);
export const parityHeads: readonly Uint8Array[] = parityFiles.map((file) =>
  file.slice(0, parityHeadLength(parseParityHead(file).shape)),
);
export const lists: readonly Uint8Array[] = [fromHex(V.listBlob.plaintext), fromHex(V.listBlobLevel1.plaintext)];
export const headers: readonly Uint8Array[] = [V.packOnePage, V.packTwoPages, V.packMeta].map(({ header }) =>
  fromHex(header),
);
/** Trailer and tail. */
export const trailers: readonly Uint8Array[] = [V.packOnePage, V.packTwoPages, V.packMeta].map(({ trailer, tail }) =>
  concatBytes(fromHex(trailer), fromHex(tail)),
);
export const commits: readonly Uint8Array[] = [
  joinSigned(fromHex(V.commit.bytes), fromHex(V.commit.signature)),
  joinSigned(
    encodeCommit({
      kind: 'keeper-event',
      vaultId: vault,
      seq: 2,
      prevHash: filled(32, 1),
      keychainSeq: 1,
      keychainHash: filled(32, 2),
      clientTime: 5n,
      deviceId: undefined,
      event: 'trashed',
      snapshots: [1, 3],
      packs: filled(32, 3),
    }),
    filled(64, 4),
  ),
];
export const keychainEntries: readonly Uint8Array[] = arbitraryBodies.flatMap((body) =>
  fc
    .sample(arbitraryEntry(body), { numRuns: 2, seed: 7 })
    .map((entry) => joinSigned(encodeKeychainEntry(entry), filled(64, 1))),
);
export const slotRecord: Uint8Array = encodeSlotRecord({
  accountId: account,
  slotId: filled(16, 6),
  method: 'local-password',
  parameters: new Map<number, Uint8Array | number>([
    [0, filled(32, 1)],
    [1, 65_536],
    [2, 3],
    [3, 1],
  ]),
  sealed: filled(80, 3),
});
export const keyring: Uint8Array = encodeKeyring({
  accountId: account,
  generation: 1,
  identitySeed: asKey('Ed25519Seed', filled(32, 1)),
  exchangeSeed: asKey('XWingSeed', filled(32, 2)),
  vaults: [
    {
      vaultId: vault,
      ...keys,
      epochs: [{ indexKey: asKey('IndexKey', filled(32, 3)), readKeySeed: asKey('XWingSeed', filled(32, 4)) }],
    },
  ],
  keychainPin: pin,
});
export const grant: Uint8Array = encodeGrant({
  vaultId: vault,
  accountId: account,
  ...keys,
  indexKeys: [asKey('IndexKey', filled(32, 3))],
  readKeyPublic: filled(1216, 5),
  genesisHash: filled(32, 6),
  keychainPin: pin,
  headPin: pin,
  readKeySeeds: [asKey('XWingSeed', filled(32, 4))],
});
export const commitLog: Uint8Array = encodeCommitLogState({
  vaultId: vault,
  seq: 2,
  keychainSeq: 1,
  hashes: filled(3 * 32, 8),
  indexes: [
    {
      name: asObjectName(filled(32, 1)),
      deviceId: asDeviceId(filled(16, 1)),
      seq: 1,
      packsDigest: filled(32, 2),
      group: 1,
      kind: 1,
    },
  ],
  sessions: [{ name: asObjectName(filled(32, 3)), deviceId: asDeviceId(filled(16, 1)) }],
  snapshots: [
    {
      seq: 1,
      kind: 'complete',
      deviceId: asDeviceId(filled(16, 1)),
      streamId: asStreamId(filled(16, 2)),
      object: asObjectName(filled(32, 4)),
      state: 'active',
      trashedAt: 0,
      refset: { seq: 1, digest: filled(32, 5) },
    },
  ],
  purgedSeq: 0,
});
export const keeperRecord: Uint8Array = encodeKeeperRecord({
  seq: 1,
  receivedAt: 1_790_000_000_000,
  baseSeq: 0,
  added: concatBytes(filled(32, 1), filled(32, 2)),
  removed: new Uint8Array(0),
  packs: filled(32, 1),
});
const device = await generateDeviceKeys((length) => filled(length, 6));
export const deviceBundle: Uint8Array = device.bundle;
export const deviceState: Uint8Array = encodeDeviceState({
  ...device,
  role: 'trusted',
  grant: decodeGrant(grant),
  chain: undefined,
});
export const words: string = `${'abandon '.repeat(23)}art`;
export const format: typeof V = V;

/** One node with every field. */
function fullTree(): Uint8Array {
  const part = [filled(32, 3), 6] as const;
  const fields: readonly (readonly [number, Parameters<typeof encodeCbor>[0]])[] = [
    [0, filled(3, 0x61)],
    [1, 0],
    [2, 0o644],
    [3, 7],
    [4, 8],
    [5, filled(2, 0x62)],
    [6, filled(2, 0x63)],
    [7, -5],
    [8, 2n ** 62n],
    [9, 1],
    [10, 12],
    [11, [part, part]],
    [15, filled(16, 1)],
    [16, new Map([[filled(6, 0x64), filled(3, 1)]])],
    [17, 0x40],
    [18, [[0, 2]]],
    [19, 'live'],
    [20, new Map([[1, 'anything']])],
  ];
  return encodeCbor([1, [new Map(fields)]]);
}
