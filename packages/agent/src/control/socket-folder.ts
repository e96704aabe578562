/** The folder of the agent's socket: this user's own and nobody else's, or nothing is said or believed there. */
import { lstatSync, mkdirSync } from 'node:fs';
import { AgentError } from '../errors.ts';

export function makeSocketFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  requireOwnFolder(folder);
}

/**
 * @throws AgentError `not-private`
 * Windows has no such owners; there the pipe's own protection counts.
 */
export function requireOwnFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const { uid, mode } = lstatSync(folder);
  const isOurs = uid === process.geteuid?.() && (mode & 0o077) === 0 && (mode & 0o170000) === 0o040000;
  if (!isOurs) throw new AgentError('not-private', `use ${folder}: it is not a folder of this user alone`);
}
