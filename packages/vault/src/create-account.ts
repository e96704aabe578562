/**
 * A new account: keys, keychain, keyring, a slot for the password and one for the words. The password is Argon2id's for
 * an embedded repository (security.md §4) and OPAQUE's on a server (§3.6), where genesis names the server's keys as well.
 */
import {
  type Argon2Cost,
  DEFAULT_ARGON2_COST,
  type Ed25519KeyPair,
  generateEd25519,
  generateXWing,
  type RandomSource,
  randomKey,
  sha256,
  type XWingKeyPair,
} from '@keephold/crypto';
import {
  type AccountCustody,
  type AccountId,
  asAccountId,
  asVaultId,
  type DeviceRole,
  genesisHashOf,
  ID_LENGTH,
  type KeychainState,
  type VaultId,
  type VaultPolicy,
} from '@keephold/protocol';
import { type DeviceState, generateDeviceKeys } from './device-state.ts';
import { addDeviceBody, embeddedDeviceState } from './enrol-device.ts';
import { VaultError } from './errors.ts';
import { NewKeychain } from './keychain-append.ts';
import { type Keyring, sealKeyring, type VaultSecrets } from './keyring.ts';
import { sealOpaqueSlot } from './opaque-slot.ts';
import { sealPasswordSlot } from './password-slot.ts';
import { sealName } from './sealed-name.ts';
import { encodeSlotRecord, type SlotRecord, type SlotSecret } from './slot-record.ts';
import { keychainPin, readKeys, type Unlocked } from './unlocked.ts';
import { sealWordsSlot } from './words-slot.ts';

const FIRST_GENERATION = 1;

/** W and D of security.md §6.1; the firsts of 90 days, 52 weeks and 24 months. */
export const DEFAULT_VAULT_POLICY: VaultPolicy = {
  windowDays: 30,
  trashDays: 30,
  dailyDays: 90,
  weeklyWeeks: 52,
  monthlyMonths: 24,
};

interface NewAccountOptions {
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
  /** Of the first device, this one. */
  readonly role: DeviceRole;
  readonly policy?: VaultPolicy;
  readonly names?: { readonly device?: string; readonly vault?: string };
  /** False: no words slot. Asks for a typed confirmation in front of people. */
  readonly words?: boolean;
}

export interface CreateAccountOptions extends NewAccountOptions {
  readonly password: string;
  readonly argon?: Argon2Cost;
}

export interface CreateServerAccountOptions extends NewAccountOptions {
  /** 16 random bytes: the registration of the password names them, so they are there before the account. */
  readonly accountId: AccountId;
  /** Of the registration. */
  readonly exportKey: Uint8Array;
  /** What was stretched with in it. */
  readonly cost: Argon2Cost;
  readonly server: ServerKeys;
}

/** What the genesis of an account pins of its server. */
export interface ServerKeys {
  /** Ed25519: signs keeper events. */
  readonly eventKey: Uint8Array;
  readonly opaqueKey: Uint8Array;
}

/** Everything `publishAccount` writes, and what stays here. */
export interface CreatedAccount {
  readonly accountId: AccountId;
  readonly vaultId: VaultId;
  /** CBOR ‖ signature, seq from 0. */
  readonly keychainEntries: readonly Uint8Array[];
  readonly slots: readonly { readonly slotId: Uint8Array; readonly record: Uint8Array }[];
  readonly sealedKeyring: Uint8Array;
  /** 24, to be shown once; undefined when declined. */
  readonly words: readonly string[] | undefined;
  readonly device: DeviceState;
  readonly unlocked: Unlocked;
}

/** @throws VaultError `empty-password`, DowngradeError for Argon2 costs out of bounds. */
export async function createAccount(options: CreateAccountOptions): Promise<CreatedAccount> {
  const { password, random, argon: cost = DEFAULT_ARGON2_COST } = options;
  const accountId = asAccountId(random(ID_LENGTH));
  const sealPassword: SealPassword = (secret) => sealPasswordSlot({ accountId, secret, password, cost, random });
  return await createAccountWith({ accountId, options, sealPassword, server: undefined });
}

/** @throws DowngradeError for Argon2 costs out of bounds. */
export async function createServerAccount(options: CreateServerAccountOptions): Promise<CreatedAccount> {
  const { accountId, exportKey, cost, random, server } = options;
  const sealPassword: SealPassword = (secret) => sealOpaqueSlot({ accountId, secret, exportKey, cost, random });
  return await createAccountWith({ accountId, options, sealPassword, server });
}

type SealPassword = (secret: SlotSecret) => Promise<SlotRecord>;

interface NewAccount {
  readonly accountId: AccountId;
  readonly options: NewAccountOptions;
  readonly sealPassword: SealPassword;
  readonly server: ServerKeys | undefined;
}

async function createAccountWith({ accountId, options, sealPassword, server }: NewAccount): Promise<CreatedAccount> {
  const { now, random, role } = options;
  const ark = randomKey('AccountRootKey', random);
  const identity = generateEd25519(random);
  const exchange = await generateXWing(random);
  const vault = await generateVault(random);
  const log = new NewKeychain(identity, now);
  const genesis = log.append(accountId, genesisBody(identity, exchange, server));
  const secret: SlotSecret = { ark, generation: FIRST_GENERATION, genesisHash: genesisHashOf(genesis) };
  await appendVault(log, { accountId, secret, vault, options });
  const keys = await generateDeviceKeys(random);
  const sealedName = await optionalName(options.names?.device, { accountId, secret, random });
  log.append(accountId, addDeviceBody({ accountId, keys, role, vaults: [vault.secrets.vaultId], sealedName }));
  const slots = await makeSlots({ accountId, secret, options }, sealPassword);
  const keychain = appendSlots(log, accountId, slots.records);
  const keyring: Keyring = {
    accountId,
    generation: FIRST_GENERATION,
    identitySeed: identity.seed,
    exchangeSeed: exchange.seed,
    vaults: [vault.secrets],
    keychainPin: keychainPin(keychain),
  };
  const [passwordSlot] = slots.records;
  const unlocked: Unlocked = {
    accountId,
    secret,
    identity,
    keyring,
    keychain,
    slotId: (passwordSlot as SlotRecord).slotId,
    method: (passwordSlot as SlotRecord).method,
  };
  const { vaultId } = vault.secrets;
  return {
    accountId,
    vaultId,
    keychainEntries: log.entries,
    slots: slots.records.map((record) => ({ slotId: record.slotId, record: encodeSlotRecord(record) })),
    sealedKeyring: await sealKeyring(keyring, ark, random),
    words: slots.words,
    device: embeddedDeviceState({ keys, role, keychain, readKeys: readKeys(unlocked, vaultId), headPin: undefined }),
    unlocked,
  };
}

/**
 * Writes a new account where nothing is yet. Every step can be repeated; slots come last, so that whatever can be opened
 * is complete.
 * @throws VaultError `not-empty` when there is a keychain of another account.
 */
export async function publishAccount(
  custody: Pick<AccountCustody, 'putKeyring' | 'appendKeychain' | 'putSlot'>,
  account: CreatedAccount,
): Promise<void> {
  await custody.putKeyring(account.sealedKeyring);
  for (const entry of account.keychainEntries) {
    if ((await custody.appendKeychain(entry)) !== 'appended') {
      throw new VaultError('not-empty', 'create account: there is another account already');
    }
  }
  for (const { slotId, record } of account.slots) await custody.putSlot(slotId, record);
}

interface NewVault {
  readonly secrets: VaultSecrets;
  readonly readKeyPublic: Uint8Array;
}

async function generateVault(random: RandomSource): Promise<NewVault> {
  const readKey = await generateXWing(random);
  const secrets: VaultSecrets = {
    vaultId: asVaultId(random(ID_LENGTH)),
    idKey: randomKey('IdKey', random),
    chunkerKey: randomKey('ChunkerKey', random),
    epochs: [{ indexKey: randomKey('IndexKey', random), readKeySeed: readKey.seed }],
  };
  return { secrets, readKeyPublic: readKey.publicKey };
}

function genesisBody(
  identity: Ed25519KeyPair,
  exchange: XWingKeyPair,
  server: ServerKeys | undefined,
): Parameters<NewKeychain['append']>[1] {
  return {
    kind: 'genesis',
    identityKey: identity.publicKey,
    exchangeKey: exchange.publicKey,
    eventKey: server?.eventKey,
    opaqueKey: server?.opaqueKey,
  };
}

interface AccountParts {
  readonly accountId: AccountId;
  readonly secret: SlotSecret;
  readonly options: NewAccountOptions;
}

async function appendVault(log: NewKeychain, parts: AccountParts & { readonly vault: NewVault }): Promise<void> {
  const { accountId, secret, vault, options } = parts;
  log.append(accountId, {
    kind: 'create-vault',
    vaultId: vault.secrets.vaultId,
    chunker: 1,
    policy: options.policy ?? DEFAULT_VAULT_POLICY,
    readKey: vault.readKeyPublic,
    sealedName: await optionalName(options.names?.vault, { accountId, secret, random: options.random }),
  });
}

function optionalName(
  name: string | undefined,
  context: { readonly accountId: AccountId; readonly secret: SlotSecret; readonly random: RandomSource },
): Promise<Uint8Array | undefined> {
  const { accountId, secret, random } = context;
  return name === undefined ? Promise.resolve(undefined) : sealName(name, { ...secret, accountId }, random);
}

async function makeSlots(
  parts: AccountParts,
  sealPassword: SealPassword,
): Promise<{ readonly records: readonly SlotRecord[]; readonly words: readonly string[] | undefined }> {
  const { accountId, secret, options } = parts;
  const { random } = options;
  const record = await sealPassword(secret);
  if (options.words === false) return { records: [record], words: undefined };
  const recovery = await sealWordsSlot({ accountId, secret, random });
  return { records: [record, recovery.record], words: recovery.words };
}

function appendSlots(log: NewKeychain, accountId: AccountId, records: readonly SlotRecord[]): KeychainState {
  const states = records.map((record) => {
    const recordHash = sha256(encodeSlotRecord(record));
    return log.append(accountId, { kind: 'add-slot', slotId: record.slotId, method: record.method, recordHash });
  });
  return states.at(-1) as KeychainState;
}
