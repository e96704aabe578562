/** The tools that can be measured here: ours first, then the peers that are installed. */
import { join } from 'node:path';
import type { BackupTool } from './backup-tool.ts';
import { borg } from './borg.ts';
import { findProgram } from './find-programs.ts';
import { keephold } from './keephold.ts';
import { kopia } from './kopia.ts';
import { restic } from './restic.ts';

/** Where `npm run build` leaves the command. */
export const builtCommand: string = join(import.meta.dirname, '../../apps/keephold/bin/keephold');

export interface InstalledTools {
  readonly tools: readonly BackupTool[];
  readonly missing: readonly string[];
}

export function installedTools(wanted?: readonly string[]): InstalledTools {
  const peers = [
    { name: 'restic', make: restic, program: findProgram('restic', ['restic-*/usr/bin/restic', 'bin/restic']) },
    { name: 'borg', make: borg, program: findProgram('borg', ['bin/borg14', 'bin/borg']) },
    { name: 'kopia', make: kopia, program: findProgram('kopia', ['kopia-*/bin/kopia', 'bin/kopia']) },
  ].filter(({ name }) => wanted === undefined || wanted.includes(name));
  const found = peers.flatMap(({ make, program }) => (program === undefined ? [] : [make(program)]));
  return {
    tools: [keephold(builtCommand), ...found],
    missing: peers.filter(({ program }) => program === undefined).map(({ name }) => name),
  };
}
