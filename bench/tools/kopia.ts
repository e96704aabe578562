import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupTool, Invocation, Place } from './backup-tool.ts';
import { firstLine } from './find-programs.ts';

export function kopia(program: string): BackupTool {
  const run = (...args: string[]): Invocation => ({ program, args: ['--no-progress', ...args] });
  // kopia has no name for the last snapshot: its id is looked up outside of the measured time.
  const last = (place: Place): string => lastSnapshot(program, place);
  return {
    name: 'kopia',
    version: `kopia ${firstLine(program, ['--version']).split(' build')[0]}`,
    note: 'defaults (no compression)',
    environment,
    init: ({ repository }) => [
      run(
        'repository',
        'create',
        'filesystem',
        '--path',
        repository,
        '--override-hostname=bench',
        '--override-username=bench',
      ),
    ],
    backup: ({ source }) => run('snapshot', 'create', source),
    list: (place) => run('ls', '-l', '-r', last(place)),
    oneFile(place, { path, target }) {
      const file = join(target, 'one');
      return { invocation: { ...run('show', `${last(place)}/${path}`), stdout: file }, file };
    },
    restore: (place, _tag, target) => ({ invocation: run('restore', last(place), target), tree: target }),
    check: () => run('snapshot', 'verify', '--verify-files-percent=100'),
    // The folder of a cache has settings in it, which have to stay.
    deviceFolders: ({ state }) => globSync(join(state, 'cache', '*', '*/')),
  };
}

function environment({ state }: Place): Record<string, string> {
  return {
    KOPIA_PASSWORD: 'bench',
    KOPIA_CONFIG_PATH: join(state, 'kopia.config'),
    KOPIA_CACHE_DIRECTORY: join(state, 'cache'),
    KOPIA_LOG_DIR: join(state, 'logs'),
    KOPIA_CHECK_FOR_UPDATES: 'false',
    KOPIA_USE_KEYRING: 'false',
    KOPIA_PERSIST_CREDENTIALS_ON_CONNECT: 'false',
  };
}

function lastSnapshot(program: string, place: Place): string {
  const output = execFileSync(program, ['snapshot', 'list', '--json', place.source], {
    encoding: 'utf8',
    env: { ...process.env, ...environment(place), HOME: place.state },
  });
  const snapshots = JSON.parse(output) as readonly { readonly rootEntry: { readonly obj: string } }[];
  const newest = snapshots.at(-1);
  if (newest === undefined) throw new Error('kopia has no snapshot');
  return newest.rootEntry.obj;
}
