/** Makes a planned file: in place, or beside what is there. */
import type { Target } from '../../target.ts';
import { FileOption, type FileTable, hasOption, pathOf, sizeOf } from './file-rows.ts';

/** What a file fails with whose name the target has although the plan says it has not. */
class NameTakenError extends Error {
  readonly code = 'EEXIST';
  constructor() {
    super('create file: its name is taken');
    this.name = 'NameTakenError';
  }
}

/**
 * Answers the target's handle. With `beside` the file gets its name only when it is finished.
 * @throws an error with code 'EEXIST' when the name is taken and the plan does not allow to replace it
 */
export function createPlanned(target: Target, table: FileTable, file: number, beside: boolean): number {
  const path = pathOf(table, file);
  const replace = hasOption(table, file, FileOption.replace);
  // Taking its name at the end would silently replace what came there meanwhile, or under another spelling.
  if (beside && !replace && target.inspect(path) !== undefined) throw new NameTakenError();
  return target.createFile(path, sizeOf(table, file), { replace: replace || beside });
}
