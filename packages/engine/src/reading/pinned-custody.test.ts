/** What a writer believes of a keeper's history: only what continues the commit it has seen. */
import { type ChainPin, type Custody, ForkError, RollbackError } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryVault, noise, verifier } from './_memory-vault.ts';
import { putTree, type StoredTree, tree } from './_stored-tree.ts';
import { FollowedChain } from './followed-chain.ts';
import { pinCustody } from './pinned-custody.ts';

let vault: MemoryVault;
let stored: StoredTree;
beforeEach(async () => {
  vault = await MemoryVault.create(2);
  stored = await putTree(vault, tree);
  for (let i = 0; i < 3; i++) await commitOne();
  vault.fetched.length = 0;
});

const commitOne = (): Promise<unknown> => vault.addSnapshot({ ...stored, packs: [] });

/** The vault's keeper, with some answers of the test's making. */
function keeper(more: Partial<Custody>): Custody {
  const truth: Partial<Custody> = {
    head: async () => await vault.head(),
    commits: (id, since) => vault.commits(id, since),
    keychain: async () => [],
  };
  return { ...truth, ...more } as Custody;
}

function followed(pin?: ChainPin, more: Partial<Custody> = {}): FollowedChain {
  const { vaultId, keychain } = vault;
  return new FollowedChain({ custody: keeper(more), vaultId, keychain, verifier, pin });
}

describe('a followed chain', () => {
  it('verifies from where the vault began, and from a pin only what came after it', async () => {
    const chain = followed();
    expect(await chain.head()).toEqual(vault.headNow());
    expect(vault.fetched).toEqual(['commit 1', 'commit 2', 'commit 3']);
    await commitOne();
    vault.fetched.length = 0;
    expect(await followed(chain.pin).head()).toEqual(vault.headNow());
    expect(vault.fetched).toEqual(['commit 4']);
  });

  it('refuses an older head, and another commit in the place of the pin with that commit as evidence', async () => {
    const pin = vault.headNow();
    const [newest] = vault.commitBytes.splice(2);
    await expect(followed(pin).head()).rejects.toThrow(RollbackError);
    await commitOne();
    const other = await followed(pin)
      .head()
      .catch((error: unknown) => error);
    expect(other).toBeInstanceOf(ForkError);
    expect((other as ForkError).evidence).toEqual(vault.commitBytes[2]);
    await commitOne();
    const longer = await followed(pin)
      .head()
      .catch((error: unknown) => error);
    expect(longer).toBeInstanceOf(ForkError);
    expect((longer as ForkError).evidence).toEqual(vault.commitBytes[3]);
    vault.commitBytes.splice(2, 2, newest!);
    expect(await followed(pin).head()).toEqual(pin);
  });

  it('refuses a head that no signed commit leads to', async () => {
    const pin = vault.headNow();
    const beyond = { seq: 4, hash: noise(32, 9) };
    await expect(followed(pin, { head: async () => beyond }).head()).rejects.toMatchObject({ code: 'gap' });
    await commitOne();
    await expect(followed(pin, { head: async () => beyond }).head()).rejects.toThrow(ForkError);
  });

  it('goes over a damaged commit as far as a later one vouches, and stays before one at the end', async () => {
    const pin = vault.headNow();
    for (let i = 0; i < 2; i++) await commitOne();
    vault.commitBytes[3] = new Uint8Array(0);
    expect(await followed(pin).head()).toEqual(vault.headNow());
    await commitOne();
    const head = vault.headNow();
    vault.commitBytes[5] = noise(90, 1);
    const chain = followed(pin, { head: async () => head });
    expect(await chain.head()).toEqual(head);
    expect(chain.pin.seq).toBe(5);
  });
});

describe('a pinned custody', () => {
  function pinned(commit: Custody['commit']): { custody: Custody; moves: ChainPin[] } {
    const moves: ChainPin[] = [];
    const custody = keeper({ commit });
    const { vaultId, keychain } = vault;
    const chain = new FollowedChain({ custody, vaultId, keychain, verifier, pin: undefined });
    return { custody: pinCustody({ custody, chain, vaultId, verifier, onMove: (pin) => moves.push(pin) }), moves };
  }

  async function request(): Promise<{ bytes: Uint8Array; packsAdded: Uint8Array; refset: undefined }> {
    await commitOne();
    return { bytes: vault.commitBytes.pop() as Uint8Array, packsAdded: new Uint8Array(), refset: undefined };
  }

  it('moves its pin to what it has followed, and to what it has committed', async () => {
    const { custody, moves } = pinned(async (_vault, { bytes }) => {
      vault.commitBytes.push(bytes);
      return { kind: 'accepted', head: vault.headNow() };
    });
    await custody.head(vault.vaultId);
    await custody.head(vault.vaultId);
    await custody.commit(vault.vaultId, await request());
    expect(moves.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await custody.head(vault.vaultId)).toEqual(moves[1]);
  });

  it('refuses to believe that another commit than its own was accepted', async () => {
    for (const head of [vault.headNow(), { seq: 4, hash: noise(32, 1) }]) {
      const { custody, moves } = pinned(async () => ({ kind: 'accepted', head }));
      await expect(custody.commit(vault.vaultId, await request())).rejects.toThrow(ForkError);
      expect(moves).toEqual([]);
    }
  });

  it('sees that an accepted commit is gone again', async () => {
    const { custody } = pinned(async (_vault, { bytes }) => {
      vault.commitBytes.push(bytes);
      const head = vault.headNow();
      vault.commitBytes.pop();
      return { kind: 'accepted', head };
    });
    await custody.commit(vault.vaultId, await request());
    await expect(custody.head(vault.vaultId)).rejects.toThrow(RollbackError);
  });
});
