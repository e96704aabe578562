/** Where and how a restore writes. Plain data, so that it can be sent to worker threads. */

/** Survives structured cloning. Each thread makes its own target of it; all may work on one root at once. */
export interface TargetConfig {
  /** Directory to restore into; links on the way to it are followed, below it never. */
  readonly root: string;
  /** Restore owners, set-id bits, device nodes, security.* and trusted.* attributes. Needs root to succeed. */
  readonly privileged: boolean;
  /** Take user and group numbers of the snapshot, not the names' numbers on this system. */
  readonly numericIds: boolean;
}
