/**
 * Secrets of second factors, sealed under a key that only the servers have: a copy of their database makes no codes.
 * Keepers are handed a `SealedTotp` by the app and import nothing of this.
 */
import { expandKey } from '../expand.ts';
import type { Key, RandomSource } from '../keys.ts';
import { label } from '../label.ts';
import { OBJECT_TYPE, type ObjectPlace } from '../sealed-object/layout.ts';
import { openObject, sealObject } from '../sealed-object/symmetric.ts';
import { TOTP_SECRET_LENGTH, totpStep } from './totp.ts';

export interface NewFactor {
  /** To be shown to its owner, once. */
  readonly secret: Uint8Array;
  /** To be stored. */
  readonly sealed: Uint8Array;
}

export interface FactorToCheck {
  readonly accountId: Uint8Array;
  readonly sealed: Uint8Array;
  /** Six digits. */
  readonly code: string;
  /** Unix milliseconds. */
  readonly now: number;
}

export class SealedTotp {
  readonly #key: Key<'FactorKey'>;
  readonly #random: RandomSource;

  /** `serverSecret`: 32 bytes, the same for good and for all processes of a server. */
  constructor(serverSecret: Uint8Array, random: RandomSource) {
    this.#key = expandKey('FactorKey', serverSecret, label('factor'));
    this.#random = random;
  }

  async create(accountId: Uint8Array): Promise<NewFactor> {
    const secret = this.#random(TOTP_SECRET_LENGTH);
    const object = { ...placeOf(accountId), key: this.#key, payload: secret, random: this.#random };
    return { secret, sealed: await sealObject(object) };
  }

  /**
   * The time step that the code belongs to; undefined when it is of none around now.
   * @throws IntegrityError, MalformedObjectError when it was sealed elsewhere or for another account
   */
  async stepOf({ accountId, sealed, code, now }: FactorToCheck): Promise<number | undefined> {
    const secret = await openObject({ bytes: sealed, expect: placeOf(accountId), key: this.#key });
    const step = totpStep({ secret, code, now });
    secret.fill(0);
    return step;
  }
}

function placeOf(contextId: Uint8Array): ObjectPlace {
  return { type: OBJECT_TYPE.factor, contextId, epoch: 0 };
}
