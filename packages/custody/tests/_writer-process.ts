/** Run as a process of its own: does with a repository what its parent asks. Arguments: folder, or folder, database, account. */
import { fromHex } from '@keephold/bytes';
import { asAccountId, type CommitRequest, type Custody, type VaultId } from '@keephold/protocol';
import type { FixtureObject, FixturePack } from '@keephold/testkit';
import { openKeeper, openRepositoryFolder } from '../src/index.ts';
import { openPostgres } from '../src/sql.ts';

type Request =
  | { readonly kind: 'put'; readonly vault: VaultId; readonly pack: FixturePack; readonly object: FixtureObject }
  | { readonly kind: 'commit'; readonly vault: VaultId; readonly request: CommitRequest };

const [path = '', url, account = ''] = process.argv.slice(2);
const custody = url === undefined ? await openRepositoryFolder(path) : await openShared(url);

async function openShared(address: string): Promise<Custody> {
  const database = await openPostgres({ url: address, random: () => 0.5, connections: 4 });
  process.on('disconnect', () => void database.close());
  const storage = { kind: 'folder', path } as const;
  const keeper = await openKeeper({ database: { kind: 'shared', database }, storage });
  return await keeper.open(asAccountId(fromHex(account)));
}

async function answer(request: Request): Promise<unknown> {
  if (request.kind === 'put') {
    await custody.putPack(request.vault, request.pack.id, request.pack.bytes);
    await custody.putObject(request.vault, request.object.name, request.object.bytes);
    const head = await custody.head(request.vault);
    return { kind: 'put', seq: head.seq, hash: Buffer.from(head.hash).toString('hex') };
  }
  const outcome = await custody.commit(request.vault, request.request);
  if (outcome.kind === 'missing-packs') return { kind: outcome.kind, seq: 0, hash: '' };
  return { kind: outcome.kind, seq: outcome.head.seq, hash: Buffer.from(outcome.head.hash).toString('hex') };
}

process.on('message', (request: Request) => {
  answer(request).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => {
  void custody[Symbol.asyncDispose]();
});
