/**
 * The commits of a vault at the second site, each behind what it needs: packs, objects, the keeper's record. So whatever
 * was copied last, what is there is a repository as it once was here.
 */
import { equalBytes } from '@keephold/bytes';
import { type PackIdList, unionPackIds, vaultRecord } from '@keephold/protocol';
import { ChainStore, hashOfCommit, unlessDamaged } from '../chain/chain-store.ts';
import { chainFolder } from '../layout.ts';
import { objectsOf } from '../ledger/apply-commit.ts';
import { isSignedCommit, type ReplayedCommit, soundCommits } from '../ledger/sound-commits.ts';
import { vaultRow } from '../ledger/vault-transaction.ts';
import type { ReplicaContents } from './replica-contents.ts';
import type { Sites } from './sites.ts';

export type CopiedChain =
  | { readonly kind: 'copied'; readonly commits: number; readonly unread: number }
  | { readonly kind: 'forked'; readonly seq: number };

export async function copyChain(sites: Sites, contents: ReplicaContents): Promise<CopiedChain> {
  const { ledger, vault, account, from } = sites;
  const headSeq = await ledger.read(vault, async (transaction) => (await vaultRow(transaction)).headSeq);
  // After the head: what it was signed by is known then.
  const keychain = await account.keychainState();
  const there = await seqsThere(sites);
  const first = firstMissing(there);
  const hash = await hashBefore(sites, first, vaultRecord(keychain, vault).createdHash);
  if (hash === undefined) return { kind: 'forked', seq: first - 1 };
  let [commits, unread] = [0, 0];
  if (first > headSeq) return { kind: 'copied', commits, unread };
  const stored = new ChainStore(from, vault).since(first - 1, headSeq);
  for await (const commit of soundCommits(stored, { vault, keychain, seq: first - 1, hash })) {
    if (commit.seq > headSeq) break;
    if (commit.kind === 'lost') unread++;
    else if (!there.has(commit.seq)) {
      sites.signal.throwIfAborted();
      await copyCommit(sites, contents, commit);
      commits++;
    }
    if (commit.seq === headSeq) break;
  }
  return { kind: 'copied', commits, unread };
}

async function seqsThere({ to, vault }: Sites): Promise<ReadonlySet<number>> {
  const seqs = new Set<number>();
  for await (const { name } of to.list(chainFolder(vault))) {
    const digits = name.slice(name.lastIndexOf('/') + 1);
    if (/^[0-9]{10}$/.test(digits)) seqs.add(Number(digits));
  }
  return seqs;
}

/** Commits that could not be read here once leave a hole there, until they can. */
function firstMissing(there: ReadonlySet<number>): number {
  let seq = 1;
  while (there.has(seq)) seq++;
  return seq;
}

/** Hash of the commit before `first`; undefined when the two sites have different commits there. */
async function hashBefore(
  { from, to, vault, account }: Sites,
  first: number,
  createdHash: Uint8Array,
): Promise<Uint8Array | undefined> {
  const seq = first - 1;
  if (seq === 0) return createdHash;
  const there = await new ChainStore(to, vault).read(seq);
  const here = await new ChainStore(from, vault).read(seq);
  if (there === undefined) return undefined;
  const hash = hashOfCommit(there);
  if (here === undefined || equalBytes(hash, hashOfCommit(here))) return hash;
  // Rotten here is no other history.
  const isOther = isSignedCommit({ seq, bytes: here }, { vault, keychain: await account.keychainState() });
  return isOther ? undefined : hash;
}

type SoundCommit = Extract<ReplayedCommit, { readonly kind: 'sound' }>;

async function copyCommit(sites: Sites, contents: ReplicaContents, sound: SoundCommit): Promise<void> {
  const { from, to, vault } = sites;
  const { commit, seq, hash, bytes } = sound;
  const chain = new ChainStore(to, vault);
  if (commit.kind !== 'keeper-event') {
    const record = await unlessDamaged(new ChainStore(from, vault).readRecord(seq, hash));
    // Without its record nothing says what a commit brought: all that is here, then.
    await contents.copyPacks(record === undefined ? await livePacks(sites) : unionPackIds(record.added, record.packs));
    await contents.copyObjects(objectsOf(commit).map(({ name }) => name));
    if (record !== undefined) await chain.writeRecord(record, hash);
  }
  await chain.append(seq, bytes);
}

/** Packs that commits have named and that are not on their way out. */
export async function livePacks({ ledger, vault }: Sites): Promise<PackIdList> {
  return await ledger.read(vault, async ({ packs }) => await packs.ids((state) => state === 'live'));
}
