import { describe, expect, it } from 'vitest';
import { nodeVerifier, SigningKey, signCommit, TestAccount, type TestDevice, testDevice } from './_signing-account.ts';
import type { Commit, KeeperEventCommit, SnapshotCommit } from './commit.ts';
import { type CommitChainState, requireHeadFromPin, startCommitChain, verifyNextCommit } from './commit-chain.ts';
import { ChainError, ForkError, MalformedRecordError, RollbackError } from './errors.ts';
import { asObjectName, asStreamId, asVaultId } from './id-from-bytes.ts';
import type { DeviceId } from './ids.ts';
import { type KeychainState } from './keychain-state.ts';
import { walkKeychain } from './keychain-walk.ts';

const vaultId = asVaultId(new Uint8Array(16).fill(0x0a));
const laptop = testDevice(20);
const desktop = testDevice(21);
const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function account(): TestAccount {
  const made = new TestAccount();
  made.createVault(vaultId);
  made.append(made.deviceBody(laptop, [vaultId]));
  made.append(made.deviceBody(desktop, [vaultId]));
  return made;
}

function snapshot(state: CommitChainState, keychain: KeychainState, device: TestDevice = laptop): SnapshotCommit {
  return {
    kind: 'snapshot',
    vaultId,
    seq: state.seq + 1,
    prevHash: state.hash,
    keychainSeq: keychain.seq,
    keychainHash: keychain.hash,
    clientTime: 5n,
    deviceId: device.deviceId,
    indexObjects: [],
    sessionObjects: [],
    packsDigest: hash(1),
    refsetDigest: hash(2),
    superseded: [],
    streamId: asStreamId(new Uint8Array(16)),
    snapshotObject: asObjectName(hash(3)),
    parentSeq: undefined,
  };
}

interface Setting {
  readonly keychain: KeychainState;
  readonly start: CommitChainState;
  readonly authors: Map<number, DeviceId>;
}

function setting(made: TestAccount = account()): Setting {
  const keychain = walkKeychain(made.entries, nodeVerifier);
  return { keychain, start: startCommitChain(keychain, vaultId), authors: new Map() };
}

function verified({ keychain, authors }: Setting, state: CommitChainState, commit: Commit, key: SigningKey) {
  const authorOf = (seq: number): DeviceId | undefined => authors.get(seq);
  return verifyNextCommit(state, signCommit(commit, key), { keychain, verifier: nodeVerifier, authorOf });
}

function codeOf(given: Setting, commit: Commit, key: SigningKey, state: CommitChainState = given.start): string {
  try {
    verified(given, state, commit, key);
  } catch (error) {
    if (error instanceof ChainError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('commit chain', () => {
  it('accepts a chain of commits of two devices', () => {
    const given = setting();
    const one = verified(given, given.start, snapshot(given.start, given.keychain), laptop.key);
    expect(one.state.seq).toBe(1);
    const two = verified(given, one.state, snapshot(one.state, given.keychain, desktop), desktop.key);
    expect(two.state.seq).toBe(2);
    expect(two.state.hash).not.toEqual(one.state.hash);
  });

  it('begins at the entry that created the vault', () => {
    const given = setting();
    expect(given.start.hash).toEqual(given.keychain.entryHashes[1]);
    const wrong = { ...snapshot(given.start, given.keychain), prevHash: given.keychain.hash };
    expect(codeOf(given, wrong, laptop.key)).toBe('fork');
  });

  it('refuses gaps, other vaults and wrong signers', () => {
    const given = setting();
    const good = snapshot(given.start, given.keychain);
    expect(codeOf(given, { ...good, seq: 2 }, laptop.key)).toBe('gap');
    expect(codeOf(given, { ...good, vaultId: asVaultId(new Uint8Array(16)) }, laptop.key)).toBe('conflict');
    expect(codeOf(given, good, desktop.key)).toBe('bad-signature');
    expect(codeOf(given, { ...good, deviceId: testDevice(33).deviceId }, laptop.key)).toBe('unauthorised');
  });

  it('refuses a flip of any byte', () => {
    const given = setting();
    const bytes = signCommit(snapshot(given.start, given.keychain), laptop.key);
    const context = { keychain: given.keychain, verifier: nodeVerifier, authorOf: () => undefined };
    for (let at = 0; at < bytes.length; at++) {
      const bad = bytes.slice();
      bad[at] = (bad[at] as number) ^ 0x10;
      let error: unknown;
      try {
        verifyNextCommit(given.start, bad, context);
      } catch (thrown) {
        error = thrown;
      }
      expect(error instanceof ChainError || error instanceof MalformedRecordError, `byte ${at}`).toBe(true);
    }
  });

  it('refuses a keychain entry that is older than before, unknown or another one', () => {
    const given = setting();
    const one = verified(given, given.start, snapshot(given.start, given.keychain), laptop.key);
    const next = snapshot(one.state, given.keychain);
    const old = { ...next, keychainSeq: 2, keychainHash: given.keychain.entryHashes[2] as Uint8Array };
    expect(codeOf(given, old, laptop.key, one.state)).toBe('keychain-mismatch');
    expect(codeOf(given, { ...next, keychainSeq: 9 }, laptop.key, one.state)).toBe('keychain-behind');
    expect(codeOf(given, { ...next, keychainHash: hash(0) }, laptop.key, one.state)).toBe('keychain-mismatch');
  });

  it('ends a revoked device once anyone has committed with the newer keychain', () => {
    const made = account();
    made.append({ kind: 'revoke-device', deviceId: laptop.deviceId });
    const given = setting(made);
    expect(codeOf(given, snapshot(given.start, given.keychain), laptop.key)).toBe('unauthorised');
    // Before the others used the newer keychain, its old view still passes …
    const before = { keychainSeq: 3, keychainHash: given.keychain.entryHashes[3] as Uint8Array };
    expect(codeOf(given, { ...snapshot(given.start, given.keychain), ...before }, laptop.key)).toBe('accepted');
    // … afterwards it does not.
    const one = verified(given, given.start, snapshot(given.start, given.keychain, desktop), desktop.key);
    const late = { ...snapshot(one.state, given.keychain), ...before };
    expect(codeOf(given, late, laptop.key, one.state)).toBe('keychain-mismatch');
  });

  it('takes keeper events from the device in a local repository, from the event key on a server', () => {
    const keeper = new SigningKey(70);
    const event = (given: Setting, deviceId: DeviceId | undefined): KeeperEventCommit => {
      const {
        vaultId: id,
        seq,
        prevHash,
        keychainSeq,
        keychainHash,
        clientTime,
      } = snapshot(given.start, given.keychain);
      const base = { vaultId: id, seq, prevHash, keychainSeq, keychainHash, clientTime };
      return { ...base, kind: 'keeper-event', deviceId, event: 'trashed', snapshots: [1], packs: new Uint8Array(0) };
    };
    const local = setting();
    expect(codeOf(local, event(local, laptop.deviceId), laptop.key)).toBe('accepted');
    expect(codeOf(local, event(local, undefined), keeper)).toBe('unauthorised');
    const made = new TestAccount({ eventKey: keeper.publicKey });
    made.createVault(vaultId);
    made.append(made.deviceBody(laptop, [vaultId]));
    const served = setting(made);
    expect(codeOf(served, event(served, undefined), keeper)).toBe('accepted');
    expect(codeOf(served, event(served, undefined), laptop.key)).toBe('bad-signature');
    expect(codeOf(served, event(served, laptop.deviceId), laptop.key)).toBe('unauthorised');
  });

  it('lets a device heal its own snapshots, and others only when approved', () => {
    const heal = (given: Setting, state: CommitChainState): Commit => {
      const { streamId: _stream, snapshotObject: _object, ...rest } = snapshot(state, given.keychain, desktop);
      return { ...rest, kind: 'heal', parentSeq: 1 };
    };
    const healed = (given: Setting, author: TestDevice | undefined): string => {
      const one = verified(given, given.start, snapshot(given.start, given.keychain), laptop.key);
      if (author !== undefined) given.authors.set(1, author.deviceId);
      return codeOf(given, heal(given, one.state), desktop.key, one.state);
    };
    expect(healed(setting(), desktop)).toBe('accepted');
    expect(healed(setting(), laptop)).toBe('unauthorised');
    expect(healed(setting(), undefined)).toBe('unauthorised');
    const made = account();
    made.append({ kind: 'approve-heal', vaultId, snapshot: 1, deviceId: desktop.deviceId });
    expect(healed(setting(made), laptop)).toBe('accepted');
  });

  it('tells a rolled back head and a forked one from the pin', () => {
    const pin = { seq: 3, hash: hash(3) };
    requireHeadFromPin({ seq: 3, hash: hash(3) }, pin);
    requireHeadFromPin({ seq: 4, hash: hash(4) }, pin);
    expect(() => requireHeadFromPin({ seq: 2, hash: hash(2) }, pin)).toThrow(RollbackError);
    expect(() => requireHeadFromPin({ seq: 3, hash: hash(4) }, pin)).toThrow(ForkError);
  });
});
