/** How the command ends when its work is done. */
import { flushCompileCache } from 'node:module';
import type { Environment } from './environment.ts';

/**
 * Runs what waits for the end of the process, and ends it without taking it apart first. Taking it apart may never end:
 * Node joins the threads that compile, and they may wait for the main thread to collect garbage
 * (https://github.com/nodejs/node/issues/54918).
 */
export async function end({ isObserved }: Pick<Environment, 'isObserved'>, code: number): Promise<never> {
  const { endProcess } = await import('@keephold/ffi');
  if (!isObserved)
    process.once('exit', () => {
      flushCompileCache();
      endProcess(code);
    });
  process.exit(code);
}
