import { type CborKey, type CborValue, decodeCbor, encodeCbor, fromHex, toHex } from '@keephold/bytes';
import {
  asKey,
  CryptoError,
  DowngradeError,
  ed25519FromSeed,
  expandKey,
  IntegrityError,
  label,
  wordsToEntropy,
} from '@keephold/crypto';
import { asAccountId } from '@keephold/protocol';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { seededRandom } from './_memory-account.ts';
import { keyringKey } from './account-keys.ts';
import { derivePasswordKey, sealPasswordSlot } from './password-slot.ts';
import { decodeSlotRecord, encodeSlotRecord, openSlot, type SlotRecord, sealSlot } from './slot-record.ts';
import { deriveWordsKey, sealWordsSlot } from './words-slot.ts';

const accountId = asAccountId(fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'));
const secret = {
  ark: asKey('AccountRootKey', new Uint8Array(32).fill(0x66)),
  generation: 1,
  genesisHash: new Uint8Array(32).fill(7),
};
const kek = asKey('SlotKey', new Uint8Array(32).fill(0x31));

function slot(): Promise<SlotRecord> {
  const parameters = new Map<number, number>([[0, 1]]);
  return sealSlot({ ...secret, accountId, method: 'words', parameters, kek, random: seededRandom(1) });
}

describe('key derivations', () => {
  it('agree with the vectors', async () => {
    const local = vectors.S.kekPasswordLocal;
    const parameters = decodeCbor(fromHex(local.paramsCbor)) as Map<number, CborValue>;
    expect(toHex(await derivePasswordKey(local.password, accountId, parameters))).toBe(local.kek);
    const recovery = vectors.S.recovery;
    expect(toHex(deriveWordsKey(fromHex(recovery.entropy), accountId))).toBe(recovery.kek);
    const seed = expandKey('Ed25519Seed', fromHex(recovery.entropy), label('auth/recovery'), accountId);
    expect(toHex(seed)).toBe(recovery.authSeed);
    expect(ed25519FromSeed(seed).publicKey.length).toBe(32);
    const { ark, key } = vectors.S.keyringKey;
    expect(toHex(keyringKey(asKey('AccountRootKey', fromHex(ark)), accountId))).toBe(key);
  });

  it('stretch the same password alike however it was typed', async () => {
    const parameters = decodeCbor(fromHex(vectors.S.kekPasswordLocal.paramsCbor)) as Map<number, CborValue>;
    const composed = await derivePasswordKey('caf\u00e9', accountId, parameters);
    expect(await derivePasswordKey('cafe\u0301', accountId, parameters)).toEqual(composed);
  });
});

describe('slots', () => {
  it('open with their key and give back what they protect', async () => {
    const record = decodeSlotRecord(encodeSlotRecord(await slot()));
    expect(await openSlot(record, kek)).toEqual(secret);
  });

  it('refuse another key and a flip of any byte', async () => {
    const record = await slot();
    await expect(openSlot(record, asKey('SlotKey', new Uint8Array(32)))).rejects.toThrow(IntegrityError);
    for (let at = 0; at < record.sealed.length; at++) {
      const sealed = record.sealed.slice();
      sealed[at] = (sealed[at] as number) ^ 0x40;
      await expect(openSlot({ ...record, sealed }, kek)).rejects.toThrow(CryptoError);
    }
  });

  it('refuse public fields that differ from the sealed ones', async () => {
    const record = await slot();
    const other = asAccountId(new Uint8Array(16));
    await expect(openSlot({ ...record, accountId: other }, kek)).rejects.toThrow(IntegrityError);
    await expect(openSlot({ ...record, method: 'local-password' }, kek)).rejects.toThrow(/differ/);
    await expect(openSlot({ ...record, parameters: new Map([[0, 2]]) }, kek)).rejects.toThrow(/differ/);
    await expect(openSlot({ ...record, parameters: new Map() }, kek)).rejects.toThrow(/differ/);
  });

  it('refuse a record with any field missing, mistyped or added', async () => {
    const map = decodeCbor(encodeSlotRecord(await slot())) as Map<CborKey, CborValue>;
    const bad = [...map.keys()].flatMap((key) => {
      const without = new Map(map);
      without.delete(key);
      return [without, new Map(map).set(key, 'text'), new Map(map).set(key, [])];
    });
    for (const fields of [...bad, new Map(map).set(6, 0)]) {
      expect(() => decodeSlotRecord(encodeCbor(fields))).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
  });

  it('refuse Argon2 costs out of bounds before computing', async () => {
    const salt = new Uint8Array(32);
    for (const [m, t, p] of [
      [65_535, 3, 1],
      [4_194_305, 3, 1],
      [65_536, 2, 1],
      [65_536, 65, 1],
      [65_536, 3, 0],
      [65_536, 3, 17],
    ] as const) {
      const parameters = new Map<number, number | Uint8Array>([
        [0, salt],
        [1, m],
        [2, t],
        [3, p],
      ]);
      await expect(derivePasswordKey('x', accountId, parameters)).rejects.toThrow(DowngradeError);
    }
    const cost = { memoryKiB: 1024, passes: 1, lanes: 1 };
    const options = { accountId, secret, password: 'x', cost, random: seededRandom(2) };
    await expect(sealPasswordSlot(options)).rejects.toThrow(DowngradeError);
    await expect(sealPasswordSlot({ ...options, password: '' })).rejects.toThrow(/empty/);
  });

  it('hand out words that lead to the same key', async () => {
    const { record, words } = await sealWordsSlot({ accountId, secret, random: seededRandom(3) });
    expect(words).toHaveLength(24);
    expect(await openSlot(record, deriveWordsKey(await wordsToEntropy(words), accountId))).toEqual(secret);
  });
});
