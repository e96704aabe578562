/**
 * What this device keeps for one account: its keys, grant, pins and session chain, in a private file of the state folder
 * and never in the repository. A trusted device's read keys lie in the system's keystore where there is one, else in the
 * same file.
 */
import { join } from 'node:path';
import { fromHex, toHex } from '@keephold/bytes';
import type { AccountId } from '@keephold/protocol';
import {
  type DeviceState,
  decodeDeviceState,
  encodeDeviceState,
  readKeysRecord,
  withoutReadKeys,
  withReadKeys,
} from '@keephold/vault';
import type { Environment } from '../environment.ts';
import { KeychainFile } from './keychain-file.ts';
import { systemKeystore } from './keystore.ts';
import { NewestCommitFile } from './newest-commit-file.ts';
import { changeVersionedFile, readVersionedFile, type VersionedFile } from './versioned-file.ts';

export class DeviceStore {
  /** Where the state lies, for messages. */
  readonly folder: string;
  /** What this machine has seen of the account's keychain, enrolled or not. */
  readonly keychain: KeychainFile;
  /** The end of the history as this machine has seen it. */
  readonly newestCommit: NewestCommitFile;
  readonly #file: VersionedFile;
  readonly #environment: Environment;

  constructor(environment: Environment, accountId: AccountId) {
    this.#environment = environment;
    this.folder = join(environment.folders.state, toHex(accountId));
    this.keychain = new KeychainFile(environment, accountId);
    this.newestCommit = new NewestCommitFile(environment, accountId);
    this.#file = { folder: this.folder, name: 'device' };
  }

  /**
   * As it is in the file; undefined when this device is not enrolled.
   * @throws DeviceFaultError when it is damaged, CommandError when others could read it.
   */
  load(): DeviceState | undefined {
    const bytes = readVersionedFile(this.#file);
    return bytes === undefined ? undefined : decodeDeviceState(bytes);
  }

  /** With the read keys of a trusted device; without them where the keystore does not give them now. */
  async loadWithReadKeys(): Promise<DeviceState | undefined> {
    const state = this.load();
    if (state === undefined || state.role !== 'trusted' || state.grant.readKeySeeds !== undefined) return state;
    const record = await systemKeystore(this.#environment)?.load(keystoreAccount(state));
    return record === undefined ? state : withReadKeys(state, fromHex(record));
  }

  /** Stores a new device in place of what was there. Answers the name of the keystore that holds its read keys. */
  async create(state: DeviceState): Promise<string | undefined> {
    const keystore = systemKeystore(this.#environment);
    const record = readKeysRecord(state);
    const kept =
      record !== undefined && keystore !== undefined && (await keystore.store(keystoreAccount(state), toHex(record)));
    const bytes = encodeDeviceState(kept ? withoutReadKeys(state) : state);
    changeVersionedFile(this.#file, () => bytes);
    return kept ? keystore.name : undefined;
  }

  /** Changes the stored state durably; `change` may run again when another process was first. */
  change(change: (state: DeviceState) => DeviceState): void {
    changeVersionedFile(this.#file, (bytes) => {
      // Removed meanwhile: somebody wants this device to forget, so nothing is brought back.
      return bytes === undefined ? undefined : encodeDeviceState(change(decodeDeviceState(bytes)));
    });
  }
}

function keystoreAccount({ grant, deviceId }: DeviceState): string {
  return `${toHex(grant.accountId)}-${toHex(deviceId)}`;
}
