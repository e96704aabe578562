/**
 * Watches a repository folder from outside and knows what must be in it: from the chain's files, which it follows by
 * itself, and from what writers said they would commit. The ledger is not asked, so nothing that it says is believed.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderBackend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import { type Commit, type ObjectName, type PackId, parseCommit, type VaultId } from '@keephold/protocol';
import { ChainStore } from '../src/chain/chain-store.ts';
import { objectName, packName } from '../src/layout.ts';

/** What a writer is about to commit, by the hex of its snapshot object. */
export interface Intent {
  /** Hex ids. */
  readonly refset: ReadonlySet<string>;
  readonly added: readonly string[];
  readonly index: ObjectName | undefined;
}

export interface WitnessedSnapshot extends Intent {
  readonly seq: number;
  readonly object: ObjectName;
  state: 'active' | 'trashed' | 'expired' | 'gone';
}

export class VaultWitness {
  readonly #path: string;
  readonly #vault: VaultId;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #intents = new Map<string, Intent>();
  readonly snapshots: Map<number, WitnessedSnapshot> = new Map();
  #head = 0;
  #isHeld = false;

  /** `sizes`: of all packs that were ever made, by hex id. */
  constructor(path: string, vault: VaultId, sizes: ReadonlyMap<string, number>) {
    this.#path = path;
    this.#vault = vault;
    this.#sizes = sizes;
  }

  get head(): number {
    return this.#head;
  }

  /** From now on no event may expire or purge anything. */
  async hold(): Promise<void> {
    await this.#follow();
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  intend(object: ObjectName, intent: Intent): void {
    this.#intents.set(toHex(object), intent);
  }

  kept(): readonly WitnessedSnapshot[] {
    return [...this.snapshots.values()].filter(({ state }) => state === 'active' || state === 'trashed');
  }

  /** @throws Error that says what a kept snapshot lacks. */
  async check(): Promise<void> {
    await this.#follow();
    const kept = this.kept();
    const indexed = await this.#indexedPacks();
    const there = new Map<string, boolean>();
    for (const { seq, object, refset } of kept) {
      if (!(await this.#isThere(objectName(this.#vault, object)))) throw new Error(`snapshot ${seq} lost its object`);
      for (const id of refset) {
        if (!there.has(id)) there.set(id, await this.#hasPack(id));
        if (there.get(id) !== true) throw new Error(`snapshot ${seq} lost pack ${id.slice(0, 8)}`);
        if (!indexed.has(id)) throw new Error(`snapshot ${seq} lost the index of pack ${id.slice(0, 8)}`);
      }
    }
  }

  async #follow(): Promise<void> {
    const chain = new ChainStore(new FolderBackend({ path: this.#path }), this.#vault);
    for await (const { seq, bytes } of chain.since(this.#head)) {
      this.#take(parseCommit(bytes).commit);
      this.#head = seq;
    }
  }

  #take(commit: Commit): void {
    if (commit.kind === 'snapshot' || commit.kind === 'checkpoint') {
      const intent = this.#intents.get(toHex(commit.snapshotObject));
      if (intent === undefined) throw new Error(`commit ${commit.seq}: nobody meant to make it`);
      this.snapshots.set(commit.seq, { ...intent, seq: commit.seq, object: commit.snapshotObject, state: 'active' });
    } else if (commit.kind === 'keeper-event') {
      const isDeleting = commit.event === 'expired' || commit.event === 'purged';
      if (this.#isHeld && isDeleting)
        throw new Error(`commit ${commit.seq}: things were ${commit.event} during a hold`);
      const states = { trashed: 'trashed', untrashed: 'active', expired: 'expired', purged: 'gone' } as const;
      for (const seq of commit.snapshots) this.#move(seq, states[commit.event]);
    }
  }

  #move(seq: number, state: WitnessedSnapshot['state']): void {
    const snapshot = this.snapshots.get(seq);
    if (snapshot === undefined) throw new Error(`an event names snapshot ${seq}, which is none`);
    const from = { trashed: ['active'], active: ['trashed'], expired: ['trashed'], gone: ['expired'] }[state];
    if (!from.includes(snapshot.state)) throw new Error(`snapshot ${seq} went from ${snapshot.state} to ${state}`);
    snapshot.state = state;
  }

  /** Packs that some index object that is there lists. */
  async #indexedPacks(): Promise<ReadonlySet<string>> {
    const indexed = new Set<string>();
    for (const { index, added } of this.snapshots.values()) {
      if (index === undefined || !(await this.#isThere(objectName(this.#vault, index)))) continue;
      for (const id of added) indexed.add(id);
    }
    return indexed;
  }

  async #hasPack(id: string): Promise<boolean> {
    const name = packName(this.#vault, Buffer.from(id, 'hex') as Uint8Array as PackId);
    return (await this.#sizeOf(name)) === this.#sizes.get(id);
  }

  async #isThere(name: string): Promise<boolean> {
    return (await this.#sizeOf(name)) !== undefined;
  }

  async #sizeOf(name: string): Promise<number | undefined> {
    try {
      return (await stat(join(this.#path, name))).size;
    } catch {
      return undefined;
    }
  }
}
