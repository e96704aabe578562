/**
 * The head of a vault's history, followed from a pin (security.md §7): what comes after the pin is believed only when it
 * is signed and continues it. Keeps nothing but where it stands, so that a writer with years of history pays only for
 * the commits it has not seen.
 */
import { concatBytes } from '@keephold/bytes';
import {
  advanceKeychain,
  ChainError,
  type ChainPin,
  type CommitChainState,
  type Custody,
  type Head,
  type KeychainState,
  parseCommit,
  type RecordVerifier,
  type StoredCommit,
  startCommitChain,
  type VaultId,
  type VerifiedCommit,
} from '@keephold/protocol';
import type { EngineError } from '../errors.ts';
import { type CommitSink, syncCommitLog } from './read-commits.ts';
import { UnreadCommits } from './unread-commits.ts';

export interface FollowedChainOptions {
  readonly custody: Pick<Custody, 'head' | 'commits' | 'keychain'>;
  readonly vaultId: VaultId;
  /** Walked to its end and checked against its pin. */
  readonly keychain: KeychainState;
  readonly verifier: RecordVerifier;
  /** The newest commit that this device has seen; without it the history is followed from where the vault began. */
  readonly pin: ChainPin | undefined;
  /** Told of commits that cannot be read and are passed over. */
  readonly onDamage?: ((error: EngineError) => void) | undefined;
}

export class FollowedChain {
  readonly #options: FollowedChainOptions;
  readonly #tail: ChainTail;
  #keychain: KeychainState;

  constructor(options: FollowedChainOptions) {
    const { keychain, vaultId, pin } = options;
    this.#options = options;
    this.#keychain = keychain;
    // Which keychain entry the pinned commit stood on is not pinned: the first one after it may stand on any.
    this.#tail = new ChainTail(
      pin === undefined ? startCommitChain(keychain, vaultId) : { vaultId, keychainSeq: 0, ...pin },
    );
  }

  /** The newest commit that was verified: to be pinned. */
  get pin(): ChainPin {
    const { seq, hash } = this.#tail.chain;
    return { seq, hash };
  }

  /** What the pin names, CBOR ‖ signature; undefined while nothing was followed beyond where this began. */
  get newest(): Uint8Array | undefined {
    return this.#tail.newest;
  }

  /** Whether there are commits after the pin that cannot be read. */
  get isEndUnread(): boolean {
    return this.#tail.isEndUnread;
  }

  /** Commits since where this began that cannot be read and that nobody has given up, ascending. */
  get unread(): readonly number[] {
    return this.#tail.unread.pending;
  }

  /** At least as new as what any commit followed so far stands on. */
  get keychain(): KeychainState {
    return this.#keychain;
  }

  /**
   * The keeper's head, once everything up to it was verified. Behind damaged commits at the end, which nobody can
   * verify, it is the keeper's word, and the pin stays before them.
   * @throws RollbackError, ForkError, ChainError when the keeper's history is not to be believed
   */
  async head(): Promise<Head> {
    try {
      await this.#sync();
    } catch (error) {
      if (!(error instanceof ChainError) || error.code !== 'keychain-behind') throw error;
      await this.#refreshKeychain();
      await this.#sync();
    }
    return this.#tail.isEndUnread ? await this.#options.custody.head(this.#options.vaultId) : this.pin;
  }

  /** Takes in a commit of this device that the keeper has accepted. */
  accepted(bytes: Uint8Array, { seq, hash }: Head): void {
    const { keychainSeq } = parseCommit(bytes).commit;
    this.#tail.moveTo({ seq, hash, keychainSeq, bytes });
  }

  async #sync(): Promise<void> {
    const { custody, verifier, onDamage = () => undefined } = this.#options;
    this.#tail.isEndUnread = false;
    await syncCommitLog(this.#tail, { custody, keychain: this.#keychain, verifier, onDamage });
  }

  async #refreshKeychain(): Promise<void> {
    const { custody, verifier } = this.#options;
    for (const entry of await custody.keychain(this.#keychain.seq + 1)) {
      this.#keychain = advanceKeychain(this.#keychain, entry, verifier);
    }
  }
}

/** Nothing but the end of a chain. */
class ChainTail implements CommitSink {
  /** Whose a healed snapshot was is for its readers to judge. */
  readonly authorOf = 'not judged';
  readonly unread: UnreadCommits;
  #chain: CommitChainState;
  /** Views of what was read: put together when somebody asks. */
  #newest: readonly Uint8Array[] | undefined;
  isEndUnread = false;

  constructor(chain: CommitChainState) {
    this.#chain = chain;
    this.unread = new UnreadCommits(chain.vaultId);
  }

  get vaultId(): VaultId {
    return this.#chain.vaultId;
  }

  get chain(): CommitChainState {
    return this.#chain;
  }

  get head(): ChainPin {
    return this.#chain;
  }

  get newest(): Uint8Array | undefined {
    return this.#newest && concatBytes(...this.#newest);
  }

  apply({ state, body, signature }: VerifiedCommit): void {
    this.#chain = state;
    this.#newest = [body, signature];
  }

  passOver({ seq, hash }: Pick<CommitChainState, 'seq' | 'hash'>): void {
    this.unread.passOver(this.#chain.seq + 1, seq);
    this.#chain = { ...this.#chain, seq, hash };
  }

  moveTo({ bytes, ...to }: Pick<CommitChainState, 'seq' | 'hash' | 'keychainSeq'> & Pick<StoredCommit, 'bytes'>): void {
    this.#chain = { ...this.#chain, ...to };
    this.#newest = [bytes];
  }

  endUnread(): void {
    this.isEndUnread = true;
  }
}
