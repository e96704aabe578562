/**
 * What sessions tried that they may not, for the log of their account: each kind once an hour for each device, so that a
 * stolen device cannot fill the log.
 */
import { type AccountsSurroundings, prefixOf, recordAudit } from '@keephold/accounts';
import { toHex } from '@keephold/bytes';
import type { Route } from '@keephold/protocol/http';
import type { Principal } from './authority.ts';
import { ExpiringMap } from './sessions/expiring-map.ts';

const HOUR = 3_600_000;
const MOST = 100_000;

export class Refusals {
  readonly #accounts: AccountsSurroundings;
  readonly #recorded: ExpiringMap<true>;

  constructor(accounts: AccountsSurroundings) {
    this.#accounts = accounts;
    this.#recorded = new ExpiringMap({ lifetime: HOUR, most: MOST, now: accounts.now() });
  }

  async record({ accountId, deviceId }: Principal, route: Route, address: string): Promise<void> {
    const now = this.#accounts.now();
    const what = `${route.method} ${route.path}`;
    const key = `${toHex(accountId)} ${deviceId === undefined ? '' : toHex(deviceId)} ${what}`;
    if (this.#recorded.get(key, now) !== undefined || !this.#recorded.add(key, true, now)) return;
    const { database } = this.#accounts;
    await recordAudit(database, { accountId, type: 'refused', now, ipPrefix: prefixOf(address), deviceId, what });
  }
}
