import { join } from 'node:path';
import type { BackupTool, Invocation } from './backup-tool.ts';
import { firstLine } from './find-programs.ts';

export function restic(program: string): BackupTool {
  const run = (...args: string[]): Invocation => ({ program, args: ['-q', ...args] });
  return {
    name: 'restic',
    version: firstLine(program, ['version']).split(' compiled')[0] ?? '?',
    note: 'defaults (zstd auto)',
    environment: ({ repository, state }) => ({
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: 'bench',
      RESTIC_CACHE_DIR: join(state, 'cache'),
      RESTIC_PROGRESS_FPS: '0.1',
    }),
    init: () => [run('init')],
    backup: ({ source }) => run('backup', '--host', 'bench', source),
    list: () => run('ls', 'latest'),
    oneFile({ source }, { path, target }) {
      const file = join(target, 'one');
      return { invocation: { ...run('dump', 'latest', join(source, path)), stdout: file }, file };
    },
    restore: ({ source }, _tag, target) => ({
      invocation: run('restore', 'latest', '--target', target),
      tree: join(target, source),
    }),
    check: () => run('check', '--read-data'),
    deviceFolders: ({ state }) => [join(state, 'cache')],
  };
}
