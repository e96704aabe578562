import { join } from 'node:path';
import type { BackupTool, Invocation } from './backup-tool.ts';
import { firstLine } from './find-programs.ts';

export function borg(program: string): BackupTool {
  const run = (cwd: string, ...args: string[]): Invocation => ({ program, args, cwd });
  return {
    name: 'borg',
    version: firstLine(program, ['--version']),
    note: 'defaults (lz4), repokey',
    environment: ({ repository, state }) => ({
      BORG_REPO: repository,
      BORG_PASSPHRASE: 'bench',
      BORG_BASE_DIR: state,
      BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
    }),
    init: ({ state }) => [run(state, 'init', '-e', 'repokey')],
    backup: ({ source }, tag) => run(source, 'create', `::${tag}`, '.'),
    list: ({ state }, tag) => run(state, 'list', `::${tag}`),
    oneFile: (_place, { tag, path, target }) => ({
      invocation: run(target, 'extract', `::${tag}`, path),
      file: join(target, path),
    }),
    restore: (_place, tag, target) => ({ invocation: run(target, 'extract', `::${tag}`), tree: target }),
    check: ({ state }) => run(state, 'check', '--verify-data'),
    deviceFolders: ({ state }) => [join(state, '.cache')],
  };
}
