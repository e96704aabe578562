/** Suites that `npm test` runs in part, in full. Nothing is random here: one round is all of it. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ending } from '../crash/world.ts';
import type { TortureJob } from './torture-job.ts';

const root = join(import.meta.dirname, '..', '..');

export const wholeSuites: readonly TortureJob[] = [
  suite({
    name: 'damage-matrix',
    tries: 'every file of a repository with every field of its format damaged',
    file: 'apps/keephold/tests/damage/damage-matrix.test.ts',
    switch: 'KEEPHOLD_DAMAGE',
  }),
  suite({
    name: 'fidelity',
    tries: 'the table of docs/fidelity.md on ext4 and tmpfs, as root and as an ordinary user',
    file: 'e2e/fidelity/matrix.test.ts',
    switch: 'KEEPHOLD_FIDELITY',
  }),
];

interface Suite {
  readonly name: string;
  readonly tries: string;
  readonly file: string;
  /** The environment variable that asks for all of it. */
  readonly switch: string;
}

function suite({ name, tries, file, switch: variable }: Suite): TortureJob {
  return {
    name,
    tries,
    run: async ({ log }) => {
      const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
      const env = { ...process.env, [variable]: 'all', NODE_OPTIONS: '', NO_COLOR: '1' };
      const args = [vitest, 'run', '--project', 'node', file];
      const { exitCode, stdout, stderr } = await ending(
        spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] }),
      );
      const counts = /^ *Tests .*$/m.exec(stdout)?.[0].trim();
      if (exitCode !== 0) throw new Error(`${file}: ${counts ?? ''}\n${stdout.slice(-4000)}${stderr.slice(-4000)}`);
      if (counts === undefined) throw new Error(`${file}: no test ran\n${stdout}`);
      log(counts);
    },
  };
}
