import { describe, expect, it } from 'vitest';
import { defaultPolicy, nodeVerifier, SigningKey, TestAccount, testDevice } from './_signing-account.ts';
import { ChainError, ForkError, RollbackError } from './errors.ts';
import { asAccountId, asDeviceId, asObjectName, asVaultId } from './id-from-bytes.ts';
import type { KeychainBody, KeychainEntry } from './keychain-entry.ts';
import { activeSlots, currentEpoch, deviceKeyAt, deviceRecord, isGrantNamed, vaultRecord } from './keychain-state.ts';
import { advanceKeychain, requireKeychainPin, startKeychain, walkKeychain } from './keychain-walk.ts';

const vaultId = asVaultId(new Uint8Array(16).fill(0x0a));
const otherVault = asVaultId(new Uint8Array(16).fill(0x0b));
const laptop = testDevice(20);
const desktop = testDevice(21);
const slotId = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function account(): TestAccount {
  const made = new TestAccount();
  made.createVault(vaultId);
  made.append(made.deviceBody(laptop, [vaultId]));
  made.append({ kind: 'add-slot', slotId: slotId(1), method: 'local-password', recordHash: hash(1) });
  made.append({ kind: 'add-slot', slotId: slotId(2), method: 'words', recordHash: hash(2) });
  return made;
}

function codeOf(made: TestAccount, next: Uint8Array): string {
  const state = walkKeychain(made.entries, nodeVerifier);
  try {
    advanceKeychain(state, next, nodeVerifier);
  } catch (error) {
    if (error instanceof ChainError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('keychain walk', () => {
  it('yields devices, vaults and slots', () => {
    const state = walkKeychain(account().entries, nodeVerifier);
    expect(state.seq).toBe(4);
    expect(deviceRecord(state, laptop.deviceId)?.role).toBe('backup-only');
    expect(vaultRecord(state, vaultId).policy).toEqual(defaultPolicy);
    expect(vaultRecord(state, vaultId).createdHash).toEqual(state.entryHashes[1]);
    expect(activeSlots(state).map((slot) => slot.method)).toEqual(['local-password', 'words']);
    expect(deviceKeyAt(state, { deviceId: laptop.deviceId, vaultId, keychainSeq: 1 })).toBeUndefined();
    expect(deviceKeyAt(state, { deviceId: laptop.deviceId, vaultId, keychainSeq: 2 })).toEqual(laptop.key.publicKey);
    expect(deviceKeyAt(state, { deviceId: laptop.deviceId, vaultId: otherVault, keychainSeq: 2 })).toBeUndefined();
  });

  it('ends a revoked device at the entry that revokes it', () => {
    const made = account();
    made.append({ kind: 'revoke-device', deviceId: laptop.deviceId });
    const state = walkKeychain(made.entries, nodeVerifier);
    expect(deviceKeyAt(state, { deviceId: laptop.deviceId, vaultId, keychainSeq: 4 })).toBeDefined();
    expect(deviceKeyAt(state, { deviceId: laptop.deviceId, vaultId, keychainSeq: 5 })).toBeUndefined();
    expect(codeOf(made, made.next({ kind: 'revoke-device', deviceId: laptop.deviceId }))).toBe('conflict');
    expect(codeOf(made, made.next(made.deviceBody(laptop, [vaultId])))).toBe('conflict');
  });

  it('gives a device the name of the last entry that names it, and changes nothing else of it', () => {
    const made = account();
    const before = deviceRecord(walkKeychain(made.entries, nodeVerifier), laptop.deviceId);
    const state = walkKeychain(made.entries, nodeVerifier);
    const [first, second] = [hash(3), hash(4)].map((sealedName) => {
      const bytes = made.next({ kind: 'rename-device', deviceId: laptop.deviceId, sealedName });
      made.entries.push(bytes);
      return bytes;
    });
    const renamed = advanceKeychain(state, first as Uint8Array, nodeVerifier);
    expect(deviceRecord(renamed, laptop.deviceId)).toEqual({ ...before, sealedName: hash(3) });
    const again = advanceKeychain(renamed, second as Uint8Array, nodeVerifier);
    expect(deviceRecord(again, laptop.deviceId)).toEqual({ ...before, sealedName: hash(4) });
  });

  it('lets no device rename any, itself included', () => {
    const made = account();
    const asDevice = { signer: { kind: 'device', deviceId: laptop.deviceId } } satisfies Partial<KeychainEntry>;
    const body: KeychainBody = { kind: 'rename-device', deviceId: laptop.deviceId, sealedName: hash(3) };
    expect(codeOf(made, made.next(body, asDevice, laptop.key))).toBe('unauthorised');
  });

  it('counts epochs, names grants and replaces policies', () => {
    const made = account();
    const grant = asObjectName(hash(7));
    const rotate = (epoch: number): KeychainBody => ({
      kind: 'rotate-epoch',
      vaultId,
      epoch,
      readKey: new Uint8Array(1216).fill(4),
      grants: [grant],
    });
    expect(codeOf(made, made.next(rotate(2)))).toBe('conflict');
    made.append(rotate(1));
    made.append({ kind: 'set-policy', vaultId, policy: { ...defaultPolicy, trashDays: 1 } });
    const state = walkKeychain(made.entries, nodeVerifier);
    expect(currentEpoch(vaultRecord(state, vaultId))).toMatchObject({ epoch: 1, seq: 5 });
    expect(isGrantNamed(state, grant)).toBe(true);
    expect(isGrantNamed(state, asObjectName(hash(8)))).toBe(false);
    expect(vaultRecord(state, vaultId).policy.trashDays).toBe(1);
  });

  it('refuses every entry that contradicts an earlier one', () => {
    const made = account();
    const unknown = asDeviceId(new Uint8Array(16).fill(1));
    const bodies: KeychainBody[] = [
      { kind: 'set-policy', vaultId: otherVault, policy: defaultPolicy },
      { kind: 'compromised-since', deviceId: unknown, since: 1 },
      { kind: 'set-role', deviceId: unknown, role: 'trusted', grants: [] },
      { kind: 'rename-device', deviceId: unknown, sealedName: hash(1) },
      { kind: 'trust-dedup', deviceId: laptop.deviceId, trusted: [unknown] },
      { kind: 'add-slot', slotId: slotId(1), method: 'words', recordHash: hash(3) },
      { kind: 'remove-slot', slotId: slotId(9) },
      { kind: 'remove-slot', slotId: slotId(1) },
      { kind: 'cancel-request', request: 2 },
      { kind: 'approve-heal', vaultId: otherVault, snapshot: 1, deviceId: laptop.deviceId },
      { kind: 'approve-heal', vaultId, snapshot: 1, deviceId: unknown },
      { kind: 'release-hold', vaultId: otherVault },
      { kind: 'lend-read', vaultId: otherVault, deviceId: laptop.deviceId, grant: asObjectName(hash(1)), until: 1 },
      made.deviceBody(desktop, [otherVault]),
    ];
    for (const body of bodies) expect([body.kind, codeOf(made, made.next(body))]).toEqual([body.kind, 'conflict']);
    expect(codeOf(made, made.next({ kind: 'min-version', version: 2 }))).toBe('newer-version');
    expect(codeOf(made, made.next({ kind: 'min-version', version: 1 }))).toBe('accepted');
  });

  it('lets a slot go only while another one besides the words stays', () => {
    const made = account();
    made.append({ kind: 'add-slot', slotId: slotId(3), method: 'local-password', recordHash: hash(3) });
    expect(codeOf(made, made.next({ kind: 'remove-slot', slotId: slotId(1) }))).toBe('accepted');
    made.append({ kind: 'remove-slot', slotId: slotId(1) });
    expect(codeOf(made, made.next({ kind: 'remove-slot', slotId: slotId(1) }))).toBe('conflict');
    expect(codeOf(made, made.next({ kind: 'remove-slot', slotId: slotId(3) }))).toBe('conflict');
    // An id never comes back, or an old record could.
    const again: KeychainBody = { kind: 'add-slot', slotId: slotId(1), method: 'words', recordHash: hash(1) };
    expect(codeOf(made, made.next(again))).toBe('conflict');
  });

  it('lets devices cancel a delete and nothing else', () => {
    const made = account();
    made.append({ kind: 'delete-request', vaultId, snapshots: [3] });
    const asDevice = { signer: { kind: 'device', deviceId: laptop.deviceId } } satisfies Partial<KeychainEntry>;
    const cancel: KeychainBody = { kind: 'cancel-request', request: 5 };
    expect(codeOf(made, made.next(cancel, asDevice, laptop.key))).toBe('accepted');
    expect(codeOf(made, made.next(cancel, asDevice, desktop.key))).toBe('bad-signature');
    const widen: KeychainBody = { kind: 'set-policy', vaultId, policy: { ...defaultPolicy, trashDays: 0 } };
    expect(codeOf(made, made.next(widen, asDevice, laptop.key))).toBe('unauthorised');
    made.append({ kind: 'revoke-device', deviceId: laptop.deviceId });
    expect(codeOf(made, made.next(cancel, asDevice, laptop.key))).toBe('unauthorised');
  });

  it('follows the identity key when it is rotated', () => {
    const made = account();
    const fresh = new SigningKey(40);
    made.append({ kind: 'rotate-aik', identityKey: fresh.publicKey, exchangeKey: new Uint8Array(1216) });
    const body: KeychainBody = { kind: 'release-hold', vaultId };
    expect(codeOf(made, made.next(body))).toBe('unauthorised');
    const signer = { kind: 'identity', identityKey: fresh.publicKey } as const;
    expect(codeOf(made, made.next(body, { signer }, fresh))).toBe('accepted');
  });

  it('refuses gaps, other histories, other accounts and wrong signatures', () => {
    const made = account();
    const body: KeychainBody = { kind: 'release-hold', vaultId };
    expect(codeOf(made, made.next(body, { seq: 6 }))).toBe('gap');
    expect(codeOf(made, made.next(body, { seq: 4 }))).toBe('gap');
    expect(codeOf(made, made.next(body, { prevHash: hash(0) }))).toBe('fork');
    expect(codeOf(made, made.next(body, { accountId: asAccountId(slotId(5)) }))).toBe('conflict');
    expect(codeOf(made, made.next(body, {}, new SigningKey(50)))).toBe('bad-signature');
    const stranger = { kind: 'identity', identityKey: new SigningKey(50).publicKey } as const;
    expect(codeOf(made, made.next(body, { signer: stranger }, new SigningKey(50)))).toBe('unauthorised');
    const good = made.next(body);
    const cut = good.slice();
    cut[good.length - 1] = (cut[good.length - 1] as number) ^ 1;
    expect(codeOf(made, cut)).toBe('bad-signature');
  });

  it('refuses a device that did not sign its own addition', () => {
    const made = account();
    const stolen = { ...made.deviceBody(desktop, [vaultId]), role: 'trusted' } as const;
    expect(codeOf(made, made.next(stolen))).toBe('bad-signature');
    const replaced = { ...made.deviceBody(desktop, [vaultId]), bundle: testDevice(22).bundle };
    expect(codeOf(made, made.next(replaced))).toBe('bad-signature');
  });

  it('starts with a genesis that signs itself', () => {
    const made = account();
    expect(() => walkKeychain(made.entries.slice(1), nodeVerifier)).toThrow(ChainError);
    expect(() => walkKeychain([], nodeVerifier)).toThrow(ChainError);
    const forged = new TestAccount();
    const signer = { kind: 'identity', identityKey: new SigningKey(60).publicKey } as const;
    forged.entries.length = 0;
    const body: KeychainBody = {
      kind: 'genesis',
      identityKey: forged.identity.publicKey,
      exchangeKey: new Uint8Array(1216),
      eventKey: undefined,
      opaqueKey: undefined,
    };
    expect(() => startKeychain(forged.next(body, { signer }, new SigningKey(60)), nodeVerifier)).toThrow(ChainError);
    expect(() => startKeychain(forged.next(body, {}, new SigningKey(60)), nodeVerifier)).toThrow(ChainError);
    expect(() => startKeychain(forged.next(body, { prevHash: hash(1) }), nodeVerifier)).toThrow(ChainError);
    expect(startKeychain(forged.next(body), nodeVerifier).seq).toBe(0);
  });

  it('tells a rolled back log and a forked one from the pin', () => {
    const made = account();
    const state = walkKeychain(made.entries, nodeVerifier);
    const pin = { seq: state.seq, hash: state.hash };
    requireKeychainPin(state, pin);
    const older = walkKeychain(made.entries.slice(0, 3), nodeVerifier);
    expect(() => requireKeychainPin(older, pin)).toThrow(RollbackError);
    expect(() => requireKeychainPin(state, { ...pin, hash: hash(0) })).toThrow(ForkError);
  });
});
