import { toHex } from '@keephold/bytes';
import { describe, expect, it } from 'vitest';
import { asKey, chainId, InvalidKeyError, nextChainKey, sessionIdOf, sessionKey } from './index.ts';

const first = asKey('ChainKey', new Uint8Array(32).fill(1));
const owner = { vaultId: new Uint8Array(16).fill(2), deviceId: new Uint8Array(16).fill(3) };

describe('session chain', () => {
  it('gives a new key for every session of a chain', () => {
    const seen = new Set<string>();
    let chainKey = first;
    for (let n = 0; n < 1024; n++) {
      seen.add(toHex(sessionKey(chainKey)));
      seen.add(toHex(chainKey));
      chainKey = nextChainKey(chainKey);
    }
    expect(seen.size).toBe(2048);
  });

  it('binds the chain id to key, vault and device', () => {
    const id = chainId(first, owner);
    expect(id.length).toBe(12);
    const others = [
      chainId(nextChainKey(first), owner),
      chainId(first, { ...owner, vaultId: owner.deviceId }),
      chainId(first, { ...owner, deviceId: owner.vaultId }),
    ];
    for (const other of others) expect(toHex(other)).not.toBe(toHex(id));
  });

  it('numbers sessions 0 to 1,023', () => {
    const id = chainId(first, owner);
    expect(toHex(sessionIdOf(id, 1023))).toBe(`${toHex(id)}ff030000`);
    for (const n of [-1, 1024, 0.5]) expect(() => sessionIdOf(id, n)).toThrow(InvalidKeyError);
    expect(() => sessionIdOf(id.subarray(1), 0)).toThrow(InvalidKeyError);
    expect(() => chainId(first, { ...owner, vaultId: new Uint8Array(15) })).toThrow(InvalidKeyError);
  });
});
