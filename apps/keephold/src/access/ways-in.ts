/** How the ways into a repository are changed, which differs between a folder and a server. */
import type { NewWords, Unlocked } from '@keephold/vault';

export interface WaysIn {
  changePassword(unlocked: Unlocked, password: string): Promise<void>;
  /** A second one beside the first. @throws UsageError where there can be only one. */
  addPassword(unlocked: Unlocked, password: string): Promise<Unlocked>;
  addWords(unlocked: Unlocked): Promise<NewWords>;
}
