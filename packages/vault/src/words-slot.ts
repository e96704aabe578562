/** Slots opened by the 24 recovery words (method 3, security.md §3.9): the words' entropy is the key, no stretching. */
import { entropyToWords, expandKey, label, type RandomSource, type SlotKey } from '@keephold/crypto';
import type { AccountId } from '@keephold/protocol';
import { type SlotRecord, type SlotSecret, sealSlot } from './slot-record.ts';

const ENTROPY_LENGTH = 32;

export interface WordsSlot {
  readonly record: SlotRecord;
  /** 24, to be shown once. */
  readonly words: readonly string[];
}

export interface SealWordsSlotOptions {
  readonly accountId: AccountId;
  readonly secret: SlotSecret;
  readonly random: RandomSource;
}

/** A slot for fresh words. */
export async function sealWordsSlot(options: SealWordsSlotOptions): Promise<WordsSlot> {
  const { accountId, secret, random } = options;
  const entropy = random(ENTROPY_LENGTH);
  const words = await entropyToWords(entropy);
  const kek = deriveWordsKey(entropy, accountId);
  const record = await sealSlot({ ...secret, accountId, method: 'words', parameters: new Map(), kek, random });
  entropy.fill(0);
  return { record, words };
}

/** KEK = Expand(entropy, LBL("kek/recovery") ‖ accountId, 32). */
export function deriveWordsKey(entropy: Uint8Array, accountId: AccountId): SlotKey {
  return expandKey('SlotKey', entropy, label('kek/recovery'), accountId);
}
