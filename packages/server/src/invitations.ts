/** Who may make an account. */
export interface Invitations {
  /**
   * Runs `create` when the code is good, and uses it up when that succeeds.
   * @throws ServerError 'unauthenticated' when it is not.
   */
  redeem(code: string, create: () => Promise<void>): Promise<void>;
}
