/**
 * Slots opened by a password on a server (method 1, security.md §3.6): the key comes out of OPAQUE, in which Argon2id was
 * computed with costs that this program chose. They are repeated in the slot, `{0: m KiB, 1: t, 2: p}`.
 */
import type { CborMap } from '@keephold/bytes';
import {
  type Argon2Cost,
  expandKey,
  label,
  type RandomSource,
  requireAcceptableCost,
  type SlotKey,
} from '@keephold/crypto';
import { type AccountId, RecordFields } from '@keephold/protocol';
import { type SlotRecord, type SlotSecret, sealSlot } from './slot-record.ts';

export interface SealOpaqueSlotOptions {
  readonly accountId: AccountId;
  readonly secret: SlotSecret;
  /** Of the registration; 64 bytes. */
  readonly exportKey: Uint8Array;
  readonly cost: Argon2Cost;
  readonly random: RandomSource;
}

export async function sealOpaqueSlot(options: SealOpaqueSlotOptions): Promise<SlotRecord> {
  const { accountId, secret, exportKey, cost, random } = options;
  requireAcceptableCost(cost);
  const parameters: CborMap = new Map([
    [0, cost.memoryKiB],
    [1, cost.passes],
    [2, cost.lanes],
  ]);
  const kek = deriveOpaqueKey(exportKey, accountId);
  return await sealSlot({ ...secret, accountId, method: 'opaque', parameters, kek, random });
}

/** KEK = Expand(exportKey, LBL("kek/password") ‖ accountId, 32). */
export function deriveOpaqueKey(exportKey: Uint8Array, accountId: AccountId): SlotKey {
  return expandKey('SlotKey', exportKey, label('kek/password'), accountId);
}

/** @throws MalformedRecordError, DowngradeError when the slot tells of costs that nobody would choose. */
export function requireAcceptableOpaqueCost(parameters: CborMap): void {
  const fields = new RecordFields(parameters, 'parameters of an OPAQUE slot');
  const cost = { memoryKiB: fields.uint(0), passes: fields.uint(1), lanes: fields.uint(2) };
  fields.end();
  requireAcceptableCost(cost);
}
