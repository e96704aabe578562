/**
 * One device's nightly backup, call for call as `keephold backup` makes them for 40 new files of half a megabyte, with
 * packs of noise: two of data, one of trees.
 */
import { randomBytes } from 'node:crypto';
import type { Account, Custody, Pack, Parts } from './parts.ts';

/** A full pack, and one of the next size above what is left of 20 MB. */
const PAGES = [256, 64];
const TREE_PAGES = 4;

export interface Backed {
  readonly packs: readonly Pack[];
  readonly bytes: number;
}

export async function backUpOnce(parts: Parts, account: Account, custody: Custody): Promise<Backed> {
  const { vault } = account;
  await custody.keychain(0);
  await custody.head(vault);
  const { seq } = await custody.head(vault);
  await custody.getObjects(vault, [randomBytes(32)]);
  await custody.head(vault);
  for await (const _ of custody.commits(vault, seq));
  await custody.referablePacks(vault);
  await custody.openSession(vault);
  const packs = [...PAGES.map((pages) => parts.createPack(vault, 1, pages)), parts.createPack(vault, 2, TREE_PAGES)];
  await Promise.all(packs.map(async ({ id, bytes }) => await custody.putPack(vault, id, bytes)));
  await commitOf(parts, account, custody, packs);
  await custody.lostPacks(vault);
  await custody.accountUsage();
  return { packs, bytes: packs.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

/** Session, index and snapshot objects, and the commit that names them. */
export async function commitOf(
  parts: Parts,
  account: Account,
  custody: Custody,
  packs: readonly Pack[],
): Promise<void> {
  const { vault } = account;
  const before = await custody.head(vault);
  const parent = before.seq === 0 ? undefined : { seq: before.seq, refset: await custody.refset(vault, before.seq) };
  const objects = [parts.createObject(), parts.createObject(), parts.createObject()] as const;
  for (const { name, bytes } of objects.slice(0, 2)) await custody.putObject(vault, name, bytes);
  const head = await custody.head(vault);
  const [index, session, snapshot] = objects;
  await custody.putObject(vault, snapshot.name, snapshot.bytes);
  const packsAdded = parts.sortPackIds(packs.map(({ id }) => id));
  const refset = parts.unionPackIds(parent?.refset ?? new Uint8Array(0), packsAdded);
  const outcome = await custody.commit(
    vault,
    parts.createCommit({
      ...{ account, head, packsAdded, refset, ...(parent !== undefined && { parent }) },
      ...{ snapshotObject: snapshot.name, indexObjects: [index.name], sessionObjects: [session.name] },
    }),
  );
  if (outcome.kind !== 'accepted') throw new Error(`the commit ended with ${outcome.kind}`);
}
