/**
 * Commits that were passed over because they cannot be read, and which of them the owner has given up: a `delete-request`
 * in the keychain names them. Neither keeper nor device can sign that, so neither makes a reader silent about them.
 */
import { equalBytes } from '@keephold/bytes';
import type { KeychainState, VaultId } from '@keephold/protocol';

export class UnreadCommits {
  readonly #vaultId: VaultId;
  readonly #seqs = new Set<number>();
  #givenUp: ReadonlySet<number> = new Set();

  constructor(vaultId: VaultId) {
    this.#vaultId = vaultId;
  }

  /** Both included. */
  passOver(first: number, last: number): void {
    for (let seq = first; seq <= last; seq++) this.#seqs.add(seq);
  }

  /** Takes in what the owner has signed. */
  learn({ deleteRequests }: Pick<KeychainState, 'deleteRequests'>): void {
    const valid = deleteRequests.filter(({ vaultId, cancelled }) => !cancelled && equalBytes(vaultId, this.#vaultId));
    this.#givenUp = new Set(valid.flatMap(({ snapshots }) => snapshots));
  }

  isGivenUp(seq: number): boolean {
    return this.#givenUp.has(seq);
  }

  /** Those that may hold a snapshot which nobody has given up, ascending. */
  get pending(): readonly number[] {
    return [...this.#seqs].filter((seq) => !this.isGivenUp(seq));
  }
}
