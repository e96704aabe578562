/**
 * When a hold stands and what it stops (security.md §6.3), pure. Holds and releases are ordered by the keychain alone: no
 * clock is asked, a lost ledger forgets neither, and what releases one is signed by the owner.
 */

/**
 * `setAt`: seq of the last keychain entry when it was set; `releasedAt`: of the last entry that released one. A hold that
 * was set after the release stands.
 */
export function isStanding(setAt: number, releasedAt: number | undefined): boolean {
  return releasedAt === undefined || setAt >= releasedAt;
}

/** Whether a collection may decide anything, asked in the transaction in which it decides. */
export function mayDecide(isHeld: boolean): boolean {
  return !isHeld;
}
