/** A real account in miniature for the tests of chains: Ed25519 and SHA-256 of node:crypto. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { concatBytes } from '@keephold/bytes';
import type { Commit } from './commit.ts';
import { encodeCommit } from './commit-codec.ts';
import { asAccountId, asDeviceId } from './id-from-bytes.ts';
import type { AccountId, DeviceId, VaultId } from './ids.ts';
import { deviceCountersigningBody, encodeKeychainEntry } from './keychain-codec.ts';
import type { AddDeviceBody, KeychainBody, KeychainEntry, KeychainSigner, VaultPolicy } from './keychain-entry.ts';
import type { RecordVerifier } from './record-verifier.ts';
import { joinSigned } from './signed-record.ts';
import {
  commitSigningInput,
  deviceFingerprintInput,
  keychainHashInput,
  keychainSigningInput,
} from './signing-texts.ts';

const PKCS8 = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);
const SPKI = Uint8Array.from([48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0]);

export const nodeVerifier: RecordVerifier = {
  sha256: (...parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  verify: ({ publicKey, message, signature }) => {
    const key = createPublicKey({ key: Buffer.from(concatBytes(SPKI, publicKey)), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  },
};

export class SigningKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  constructor(seedByte: number) {
    const seed = new Uint8Array(32).fill(seedByte);
    this.#key = createPrivateKey({ key: Buffer.from(concatBytes(PKCS8, seed)), format: 'der', type: 'pkcs8' });
    this.publicKey = new Uint8Array(createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(12));
  }

  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, this.#key));
  }
}

export interface TestDevice {
  readonly key: SigningKey;
  readonly bundle: Uint8Array;
  readonly deviceId: DeviceId;
}

export function testDevice(seedByte: number): TestDevice {
  const key = new SigningKey(seedByte);
  const bundle = concatBytes(Uint8Array.of(1), key.publicKey, new Uint8Array(1216).fill(seedByte));
  const fingerprint = nodeVerifier.sha256(...deviceFingerprintInput(bundle));
  return { key, bundle, deviceId: asDeviceId(fingerprint.slice(0, 16)) };
}

export const defaultPolicy: VaultPolicy = {
  windowDays: 30,
  trashDays: 30,
  dailyDays: 90,
  weeklyWeeks: 52,
  monthlyMonths: 24,
};

/** Appends entries as the owner would. */
export class TestAccount {
  readonly accountId: AccountId = asAccountId(new Uint8Array(16).fill(0xac));
  readonly identity: SigningKey = new SigningKey(1);
  readonly entries: Uint8Array[] = [];

  constructor(options: { readonly eventKey?: Uint8Array } = {}) {
    this.append({
      kind: 'genesis',
      identityKey: this.identity.publicKey,
      exchangeKey: new Uint8Array(1216).fill(9),
      eventKey: options.eventKey,
      opaqueKey: undefined,
    });
  }

  /** The entry as it would be appended next, not appended. */
  next(body: KeychainBody, change: Partial<KeychainEntry> = {}, key: SigningKey = this.identity): Uint8Array {
    const last = this.entries.at(-1);
    const signer: KeychainSigner = { kind: 'identity', identityKey: this.identity.publicKey };
    const entry: KeychainEntry = {
      accountId: this.accountId,
      seq: this.entries.length,
      prevHash: last === undefined ? new Uint8Array(32) : nodeVerifier.sha256(...keychainHashInput(last)),
      time: 1_790_000_000 + this.entries.length,
      signer,
      body,
      ...change,
    };
    const bytes = encodeKeychainEntry(entry);
    return joinSigned(bytes, key.sign(keychainSigningInput(bytes)));
  }

  append(body: KeychainBody): Uint8Array {
    const bytes = this.next(body);
    this.entries.push(bytes);
    return bytes;
  }

  createVault(vaultId: VaultId): void {
    this.append({
      kind: 'create-vault',
      vaultId,
      chunker: 1,
      policy: defaultPolicy,
      readKey: new Uint8Array(1216).fill(3),
      sealedName: undefined,
    });
  }

  deviceBody(device: TestDevice, vaults: readonly VaultId[]): AddDeviceBody {
    const fields = { bundle: device.bundle, role: 'backup-only', vaults, grants: [], sealedName: undefined } as const;
    const countersigned = keychainSigningInput(deviceCountersigningBody(this.accountId, fields));
    return { kind: 'add-device', ...fields, countersignature: device.key.sign(countersigned) };
  }
}

export function signCommit(commit: Commit, key: SigningKey): Uint8Array {
  const body = encodeCommit(commit);
  return joinSigned(body, key.sign(commitSigningInput(body)));
}
