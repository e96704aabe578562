/** Chooses how this system's target is written to, and says what it can keep. */
import { getuid } from 'node:process';
import type { Target } from '@keephold/engine';
import { libc } from '@keephold/ffi';
import { createOwnerNames } from '../owner-names.ts';
import { NativeTarget } from './native-target.ts';
import { NodeTarget } from './node-target.ts';
import type { TargetConfig } from './target-config.ts';

/** What restores on this system can keep. False means: comes back as a MetadataProblem or an error per item. */
export interface TargetCapabilities {
  /** Links put into the path by someone else during the restore can never lead outside the root. */
  readonly pathsSafeFromRaces: boolean;
  readonly nanosecondTimes: boolean;
  readonly owners: boolean;
  readonly xattrs: boolean;
  readonly acls: boolean;
  /** FIFOs, sockets, device nodes. */
  readonly specialFiles: boolean;
  readonly modes: boolean;
  /** File names are kept byte for byte. */
  readonly anyNames: boolean;
}

/** Opens nothing yet: the root is opened by the first call that needs it. */
export function createTarget(config: TargetConfig): Target {
  const calls = libc();
  const names = createOwnerNames();
  return calls === undefined ? new NodeTarget(config, names) : new NativeTarget(calls, config, names);
}

export function targetCapabilities(config: Pick<TargetConfig, 'privileged'>): TargetCapabilities {
  const native = libc() !== undefined;
  const unix = process.platform !== 'win32';
  return {
    pathsSafeFromRaces: native,
    nanosecondTimes: native,
    owners: unix && config.privileged && getuid?.() === 0,
    xattrs: native,
    acls: native,
    specialFiles: native,
    modes: unix,
    anyNames: unix && process.platform !== 'darwin',
  };
}
