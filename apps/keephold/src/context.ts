/** What every verb gets: the surroundings it runs in. Nothing here opens or reads anything before it is asked. */
import type { Progress } from '@keephold/agent';
import type { OpenOptions } from '@keephold/custody';
import type { Custody } from '@keephold/protocol';
import type { GlobalValues } from './command-line/global-options.ts';
import type { Environment } from './environment.ts';
import type { Terminal } from './terminal/ask.ts';
import type { Output } from './terminal/output.ts';

export interface Context {
  readonly out: Output;
  readonly environment: Environment;
  readonly terminal: Terminal;
  readonly globals: GlobalValues;
  /** Aborts at the first interrupt: what runs finishes what must not be lost, then ends. */
  readonly signal: AbortSignal;
  /** SIGHUP means this from now on, and no longer the end. */
  readonly onHangUp?: (listener: () => void) => void;
  readonly version: string;
  /** What this run knows already, so that nobody is asked twice. */
  readonly password?: string | undefined;
  /** Who started this, and wants to know how far it is. */
  onProgress?(progress: Progress): void;
  /** The keeper of the repository: in a folder, in a bucket, or a server by its origin. */
  openRepository(place: string, options?: OpenOptions): Promise<Custody>;
  /** Wall clock, unix milliseconds. */
  now(): number;
}
