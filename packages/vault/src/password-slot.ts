/** Slots opened by a password alone (method 5, security.md §4): Argon2id, costs checked before computing. */
import { type CborMap, encodeCbor } from '@keephold/bytes';
import {
  type Argon2Cost,
  argon2id,
  expandKey,
  label,
  passwordBytes,
  type RandomSource,
  requireAcceptableCost,
  type SlotKey,
} from '@keephold/crypto';
import { type AccountId, RecordFields } from '@keephold/protocol';
import { VaultError } from './errors.ts';
import { type SlotRecord, type SlotSecret, sealSlot } from './slot-record.ts';

const SALT_LENGTH = 32;

interface PasswordParameters {
  readonly salt: Uint8Array;
  readonly cost: Argon2Cost;
}

export interface SealPasswordSlotOptions {
  readonly accountId: AccountId;
  readonly secret: SlotSecret;
  readonly password: string;
  readonly cost: Argon2Cost;
  readonly random: RandomSource;
}

/** @throws VaultError `empty-password`, DowngradeError for costs that no reader would accept. */
export async function sealPasswordSlot(options: SealPasswordSlotOptions): Promise<SlotRecord> {
  const { accountId, secret, password, cost, random } = options;
  if (password === '') throw new VaultError('empty-password', 'set password: it is empty');
  const parameters = parametersMap({ salt: random(SALT_LENGTH), cost });
  const kek = await derivePasswordKey(password, accountId, parameters);
  return sealSlot({ ...secret, accountId, method: 'local-password', parameters, kek, random });
}

/**
 * KEK = Expand(stretched, LBL("kek/password-local") ‖ accountId ‖ CBOR(parameters), 32): parameters changed in the folder
 * only make the slot fail.
 * @throws MalformedRecordError, DowngradeError (before anything is computed)
 */
export async function derivePasswordKey(password: string, accountId: AccountId, parameters: CborMap): Promise<SlotKey> {
  requireAcceptableParameters(parameters);
  const { salt, cost } = readParameters(parameters);
  const input = passwordBytes(password);
  const stretched = await argon2id(input, salt, cost);
  input.fill(0);
  const kek = expandKey('SlotKey', stretched, label('kek/password-local'), accountId, encodeCbor(parameters));
  stretched.fill(0);
  return kek;
}

/**
 * @throws MalformedRecordError for parameters of another form, DowngradeError for costs that nobody would choose.
 */
export function requireAcceptableParameters(parameters: CborMap): void {
  requireAcceptableCost(readParameters(parameters).cost);
}

function parametersMap({ salt, cost }: PasswordParameters): CborMap {
  return new Map<number, number | Uint8Array>([
    [0, salt],
    [1, cost.memoryKiB],
    [2, cost.passes],
    [3, cost.lanes],
  ]);
}

function readParameters(parameters: CborMap): PasswordParameters {
  const fields = new RecordFields(parameters, 'parameters of a password slot');
  const salt = fields.bytes(0, SALT_LENGTH);
  const cost = { memoryKiB: fields.uint(1), passes: fields.uint(2), lanes: fields.uint(3) };
  fields.end();
  return { salt, cost };
}
