/** Run as a process of its own: does with a repository what its parent asks. */
import type { CommitRequest, VaultId } from '@keephold/protocol';
import type { FixtureObject, FixturePack } from '@keephold/testkit';
import { openRepositoryFolder } from '../src/index.ts';

type Request =
  | { readonly kind: 'put'; readonly vault: VaultId; readonly pack: FixturePack; readonly object: FixtureObject }
  | { readonly kind: 'commit'; readonly vault: VaultId; readonly request: CommitRequest };

const custody = await openRepositoryFolder(process.argv[2] as string);

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
