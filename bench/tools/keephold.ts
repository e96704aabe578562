/** The command as it is built. This device may read, so that listing asks for no password until it is a new device. */
import { join } from 'node:path';
import type { BackupTool, Invocation, Place } from './backup-tool.ts';
import { firstLine } from './find-programs.ts';

const folders = ['config', 'cache', 'state', 'data'] as const;

export function keephold(program: string): BackupTool {
  const run = (...args: string[]): Invocation => ({ program, args });
  return {
    name: 'keephold',
    version: firstLine(program, ['--version']),
    note: 'defaults (zstd 3, 256 MB)',
    environment: keepholdEnvironment,
    init: () => [run('init', '--trusted', '--quiet')],
    backup: ({ source }) => run('backup', '--quiet', source),
    list: () => run('ls', '--recursive', 'latest'),
    oneFile({ source }, { path, target }) {
      const file = join(target, 'one');
      return { invocation: { ...run('cat', `latest:${join(source, path)}`), stdout: file }, file };
    },
    restore: ({ source }, _tag, target) => ({
      invocation: run('restore', `latest:${source}`, '--target', target, '--quiet'),
      tree: target,
    }),
    check: () => run('check', '--read-data', '--quiet'),
    deviceFolders: ({ state }) => folders.map((folder) => join(state, folder)),
  };
}

/** Everything of the command's lies in the place. */
export function keepholdEnvironment({
  repository,
  state,
}: Pick<Place, 'repository' | 'state'>): Record<string, string> {
  const xdg = folders.map((folder) => [`XDG_${folder.toUpperCase()}_HOME`, join(state, folder)] as const);
  return { KEEPHOLD_REPO: repository, KEEPHOLD_PASSWORD: 'bench horse battery', ...Object.fromEntries(xdg) };
}
