/** One agent a user: whoever holds the lock is it. The lock goes with the process, however it ends. */
import { closeSync, openSync } from 'node:fs';
import { errno, LOCK_EX, LOCK_NB, libc } from '@keephold/ffi';
import { AgentError } from './errors.ts';

/**
 * Until disposed. Where the system has no such locks, whether an agent answers is what tells.
 * @throws AgentError `agent-runs`
 */
export async function lockSingleAgent(path: string, isAnswered: () => Promise<boolean>): Promise<Disposable> {
  const calls = libc();
  if (calls === undefined) {
    if (await isAnswered()) throw otherRuns();
    return { [Symbol.dispose]: () => undefined };
  }
  // Never removed: two that lock two files of one name would both be alone.
  const handle = openSync(path, 'a', 0o600);
  const answer = calls.flock(handle, LOCK_EX | LOCK_NB);
  if (answer === 0) return { [Symbol.dispose]: () => closeSync(handle) };
  closeSync(handle);
  if (answer === -errno.EAGAIN) throw otherRuns();
  throw new AgentError('agent-runs', `lock ${path}: the system answers ${answer}`);
}

function otherRuns(): AgentError {
  return new AgentError('agent-runs', 'start the agent: another one of this user runs already');
}
