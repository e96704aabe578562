/** How waiting ends when a run is to end. */

/** Thrown where a run stops because its signal was aborted. */
export class InterruptedRun extends Error {}

/** Waits for `work`. @throws InterruptedRun as soon as the signal is aborted; nobody hears of how `work` ends then. */
export async function unlessInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new InterruptedRun();
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new InterruptedRun());
  signal.addEventListener('abort', onAbort, { once: true });
  work.catch(() => undefined);
  return await Promise.race([work, interrupted]).finally(() => signal.removeEventListener('abort', onAbort));
}

/** Whether `work` is done within so many milliseconds; nobody hears of how it ends later. */
export async function isSoon(work: Promise<void>, milliseconds: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  const done = work.then(() => true);
  done.catch(() => undefined);
  return await Promise.race([done, late]).finally(() => clearTimeout(timer));
}
