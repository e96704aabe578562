/**
 * Looks at the small records that nobody reads until they are needed badly: the ways in, the keeper's records, session
 * objects. Needs no key and changes nothing. Packs, index and snapshot objects are found damaged by reading.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, fromHex, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  type AuditFinding,
  activeSlots,
  CustodyError,
  type KeychainState,
  type ObjectName,
  packsDigestInput,
  parseCommit,
  type VaultId,
} from '@keephold/protocol';
import type { AccountRecords } from '../account/account-records.ts';
import { chainName, GRANTS, KEYRINGS, objectName, recordName, slotName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';

export interface AuditParts {
  readonly backend: Backend;
  readonly account: AccountRecords;
  readonly ledger: Ledger;
}

const LARGEST_SMALL_OBJECT = 64 * 1024;

export async function auditVault(parts: AuditParts, vault: VaultId): Promise<readonly AuditFinding[]> {
  const keychain = await parts.account.keychainState();
  const what = 'is damaged or missing, and its copy on this machine is used';
  const entries = parts.account.damagedEntries.map((place) => damage(place, what));
  const found = [
    ...entries,
    ...(await auditSlots(parts, keychain)),
    ...(await auditKeyring(parts)),
    ...(await auditGrants(parts)),
  ];
  await parts.ledger.read(vault, async (transaction) => {
    found.push(...(await auditSessions(parts, transaction)));
    for (const row of await transaction.ledger.commits()) found.push(...(await auditCommit(transaction, row)));
  });
  return found;
}

function damage(place: string, what: string): AuditFinding {
  return { kind: 'damage', place, what };
}

async function auditSlots({ backend }: AuditParts, keychain: KeychainState): Promise<AuditFinding[]> {
  const found: AuditFinding[] = [];
  // That of a password on a server lies with the server's record of the password.
  for (const { slotId, method, recordHash } of activeSlots(keychain).filter((slot) => slot.method !== 'opaque')) {
    const place = slotName(slotId);
    const bytes = await backend.get(place);
    const what = `a way in (${method})`;
    if (bytes === undefined) found.push(damage(place, `${what} is missing`));
    else if (!equalBytes(sha256(bytes), recordHash)) found.push(damage(place, `${what} is not what was stored`));
  }
  return found;
}

/** What is in it only its key can tell; whether it is there anybody can. */
async function auditKeyring({ account }: AuditParts): Promise<AuditFinding[]> {
  return (await account.keyring()) === undefined ? [damage(KEYRINGS, 'the keyring is missing')] : [];
}

async function auditGrants({ backend }: AuditParts): Promise<AuditFinding[]> {
  const found: AuditFinding[] = [];
  for await (const { name } of backend.list(GRANTS)) {
    const hex = name.slice(name.lastIndexOf('/') + 1);
    if (!/^[0-9a-f]{64}$/.test(hex)) continue;
    const finding = await misnamed(backend, name, fromHex(hex));
    if (finding !== undefined) found.push(finding);
  }
  return found;
}

async function auditSessions({ backend }: AuditParts, { ledger, vault }: VaultTransaction): Promise<AuditFinding[]> {
  const found: AuditFinding[] = [];
  const sessions = (await ledger.objects()).filter(({ role }) => role === 'session');
  for (const name of new Map(sessions.map(({ name }) => [toHex(name), name])).values()) {
    const finding = await misnamed(backend, objectName(vault, name), name);
    if (finding !== undefined) found.push({ ...finding, what: `session object ${toHex(name)} ${finding.what}` });
  }
  return found;
}

async function misnamed(
  backend: Backend,
  place: string,
  name: ObjectName | Uint8Array,
): Promise<AuditFinding | undefined> {
  const bytes = await backend.get(place, { length: LARGEST_SMALL_OBJECT });
  if (bytes === undefined) return damage(place, 'is missing');
  return equalBytes(sha256(bytes), name) ? undefined : damage(place, 'is not what was stored');
}

/** The keeper's record of a commit: present, whole, and with the packs that the commit signed. Refsets readers check. */
async function auditCommit(transaction: VaultTransaction, row: CommitRow): Promise<AuditFinding[]> {
  const { chain, vault } = transaction;
  if (row.kind === 'keeper-event' || row.kind === 'lost') return [];
  const place = recordName(vault, row.seq, row.hash);
  // What stands on it is looked at by itself: its refset is read or it is not.
  if (row.state === 'expired' || row.state === 'gone')
    return (await chain.hasReadableRecord(row))
      ? []
      : [{ kind: 'stray', place, what: 'damaged, of a snapshot that is gone' }];
  try {
    const { packs } = await chain.readRecord(row.seq, row.hash);
    return (await fitsCommit(transaction, row, packs)) ? [] : [damage(place, 'its packs are not those of the commit')];
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'damaged') return [damage(place, error.message)];
    throw error;
  }
}

async function fitsCommit({ chain, vault }: VaultTransaction, row: CommitRow, packs: Uint8Array): Promise<boolean> {
  const bytes = await chain.read(row.seq);
  if (bytes === undefined) throw new CustodyError('damaged', `read ${chainName(vault, row.seq)}: it is missing`);
  try {
    const { commit } = parseCommit(bytes);
    return commit.kind === 'keeper-event' || equalBytes(sha256(...packsDigestInput(packs)), commit.packsDigest);
  } catch {
    // The reader of the chain names a commit that does not parse.
    return true;
  }
}
