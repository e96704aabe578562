/**
 * Holds as files (format.md §10): one for each that was set, named by the keychain entry that was the last one then. They
 * are written under the lock under which collections decide, so whoever has set one may rely on it at once. A device can
 * add at most one after each release: while a hold stands, none is written.
 */
import { type CborValue, decodeCbor, encodeCbor } from '@keephold/bytes';
import { type DeviceId, type Hold, ID_LENGTH, type VaultId, vaultRecord } from '@keephold/protocol';
import type { Keeper } from '../commit/commit-vault.ts';
import { holdName, holdsFolder } from '../layout.ts';
import { ledgerTime } from '../ledger/vault-transaction.ts';
import { isStanding } from './hold-state.ts';

type HoldingKeeper = Pick<Keeper, 'backend' | 'account' | 'clock' | 'ledger'>;

const VERSION = 1;
const LARGEST_HOLD = 256;

export async function setHold(keeper: HoldingKeeper, vault: VaultId, deviceId: DeviceId | undefined): Promise<Hold> {
  return await keeper.ledger.write(vault, async (transaction) => {
    const standing = await standingHold(keeper, vault);
    if (standing !== undefined) return standing;
    const since = await ledgerTime(keeper.clock, transaction);
    const { seq } = await keeper.account.keychainState();
    await keeper.backend.putNew(holdName(vault, seq), encodeHold(vault, { since, deviceId }));
    return { since, deviceId };
  });
}

/** The keychain is walked only where there is a hold. */
export async function standingHold(
  { backend, account }: Pick<HoldingKeeper, 'backend' | 'account'>,
  vault: VaultId,
): Promise<Hold | undefined> {
  const names: string[] = [];
  for await (const { name } of backend.list(holdsFolder(vault))) names.push(name);
  if (names.length === 0) return undefined;
  const { holdReleasedSeq } = vaultRecord(await account.keychainState(), vault);
  // A name that is none is taken for a hold that nothing releases: when in doubt nothing goes.
  const name = names.find((one) => isStanding(seqIn(one), holdReleasedSeq));
  return name === undefined ? undefined : parseHold(vault, await backend.get(name, { length: LARGEST_HOLD }));
}

function seqIn(name: string): number {
  const seq = /\/(?<seq>[0-9]{10})$/.exec(name)?.groups?.['seq'];
  return seq === undefined ? Number.POSITIVE_INFINITY : Number(seq);
}

function encodeHold(
  vault: VaultId,
  { since, deviceId }: { readonly since: number } & Pick<Hold, 'deviceId'>,
): Uint8Array {
  const fields: [number, CborValue][] = [
    [0, VERSION],
    [1, vault],
    [2, since],
  ];
  if (deviceId !== undefined) fields.push([3, deviceId]);
  return encodeCbor(new Map(fields));
}

/** Its name alone says that it stands: damage must not release it. */
function parseHold(vault: VaultId, bytes: Uint8Array | undefined): Hold {
  const nothing = { since: undefined, deviceId: undefined };
  const fields = bytes === undefined ? undefined : fieldsOf(bytes);
  if (!(fields instanceof Map) || fields.get(0) !== VERSION || !isSame(fields.get(1), vault)) return nothing;
  const [since, deviceId] = [fields.get(2), fields.get(3)];
  return {
    since: typeof since === 'number' ? since : undefined,
    deviceId: deviceId instanceof Uint8Array && deviceId.length === ID_LENGTH ? (deviceId as DeviceId) : undefined,
  };
}

function fieldsOf(bytes: Uint8Array): CborValue | undefined {
  try {
    return decodeCbor(bytes);
  } catch {
    return undefined;
  }
}

function isSame(value: CborValue | undefined, vault: VaultId): boolean {
  return value instanceof Uint8Array && value.length === vault.length && value.every((byte, at) => byte === vault[at]);
}
