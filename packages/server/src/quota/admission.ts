/**
 * Whether an account may store so many bytes more. Far from its limit nothing is asked for each pack: a figure of at most
 * a second ago, with what this process has taken since, is enough. Near it the packs of an account go one after the other
 * in this process, and each reads the ledger, so that processes together go beyond a limit by less than a pack each.
 */
import {
  type AccountsSurroundings,
  ceilingOf,
  graceCeilingOf,
  noteUsage,
  type Quota,
  quotaOf,
} from '@keephold/accounts';
import { Turns } from '@keephold/custody';
import type { AccountId } from '@keephold/protocol';
import { ServerError } from '../errors.ts';

/** What all processes together may take for one account within `FRESH`, and have on its way besides. */
const NEAR = 1024 * 1024 * 1024;
/** Milliseconds. */
const FRESH = 1000;
/** Objects are small, and commits need them, which go on: this much beyond everything ends objects, too. */
const ROOM_FOR_OBJECTS = 256 * 1024 * 1024;

interface Figure {
  readonly quota: Quota | undefined;
  readonly storedBytes: number;
  readonly readAt: number;
}

export interface AdmissionOptions {
  readonly accounts: AccountsSurroundings;
  readonly accountId: AccountId;
  /** From the ledger, as it is now. */
  readonly storedBytes: () => Promise<number>;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #turns = new Turns();
  #figure: Figure | undefined;
  #onTheirWay = 0;
  /** Since the figure was read, with what was on its way then. */
  #taken = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** @returns what `store` does. @throws ServerError 'over-quota' before it is called, unless `isThere`. */
  async pack(
    length: number,
    { store, isThere }: { readonly store: () => Promise<void>; readonly isThere: () => Promise<boolean> },
  ): Promise<void> {
    const { quota, storedBytes } = await this.#recent();
    if (quota === undefined || storedBytes + this.#taken + length + NEAR <= quota.limit) {
      return await this.#counting(length, store);
    }
    await this.#turns.take(async () => {
      const refusal = await this.#refusalOf(length);
      if (refusal !== undefined && !(await isThere())) throw refusal;
      await this.#counting(length, store);
    });
  }

  /** @throws ServerError 'over-quota' */
  async object(length: number): Promise<void> {
    const { quota, storedBytes } = await this.#recent();
    if (quota === undefined || storedBytes + length <= graceCeilingOf(quota) + ROOM_FOR_OBJECTS) return;
    throw overQuota(quota, storedBytes);
  }

  async #refusalOf(length: number): Promise<ServerError | undefined> {
    const { accounts, accountId } = this.#options;
    const onTheirWay = this.#onTheirWay;
    const { quota, storedBytes } = await this.#read();
    if (quota === undefined) return undefined;
    const known = await noteUsage(accounts, accountId, { quota, storedBytes });
    const wanted = storedBytes + onTheirWay + length;
    if (wanted > ceilingOf(known, accounts.now())) return overQuota(known, storedBytes);
    await noteUsage(accounts, accountId, { quota: known, storedBytes: wanted });
    return undefined;
  }

  async #recent(): Promise<Figure> {
    const figure = this.#figure;
    const age = this.#options.accounts.now() - (figure?.readAt ?? 0);
    return figure !== undefined && age >= 0 && age < FRESH ? figure : await this.#read();
  }

  async #read(): Promise<Figure> {
    const { accounts, accountId, storedBytes } = this.#options;
    const readAt = accounts.now();
    const onTheirWay = this.#onTheirWay;
    const quota = await quotaOf(accounts, accountId);
    const figure = { quota, storedBytes: quota === undefined ? 0 : await storedBytes(), readAt };
    [this.#figure, this.#taken] = [figure, onTheirWay];
    return figure;
  }

  async #counting(length: number, store: () => Promise<void>): Promise<void> {
    this.#onTheirWay += length;
    this.#taken += length;
    try {
      await store();
    } finally {
      this.#onTheirWay -= length;
    }
  }
}

function overQuota({ plan, limit }: Quota, storedBytes: number): ServerError {
  return new ServerError(
    'over-quota',
    `the account has stored ${gigabytes(storedBytes)}, and its plan, ${plan}, allows ${gigabytes(limit)}: nothing new is taken`,
  );
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
