/** Fuzzes every decoder, a round in a process of its own: with little memory, and killed when it hangs. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { eachRound, type TortureJob, type TortureOptions } from './torture-job.ts';

/** Data a process may have, in KiB: no decoder needs a tenth of what Node itself takes. */
const MEMORY_KIB = 1_500_000;
/** Every decoder says that it begins; the slowest one takes a fraction of this on a slow machine. */
const SILENCE_MS = 600_000;

export const hostileBytes: TortureJob = {
  name: 'hostile-bytes',
  tries: 'every decoder, with bytes nobody wrote that reach new code: no crash, no hang, no untyped error',
  run: (options) => fuzzRounds(options, 20_000),
};

/** `executions` for each decoder and round. */
export async function fuzzRounds({ log, ...rounds }: TortureOptions, executions: number): Promise<void> {
  await eachRound(rounds, async (seed) => {
    log(`seed ${seed}`);
    await fuzzOnce({ seed, executions, log });
  });
}

interface Round {
  readonly seed: number;
  readonly executions: number;
  readonly log: TortureOptions['log'];
}

async function fuzzOnce({ seed, executions, log }: Round): Promise<void> {
  const script = join(import.meta.dirname, '_fuzz-process.ts');
  const node = [process.execPath, '--conditions=@keephold/source', '--disable-warning=ExperimentalWarning', script];
  const limited = `ulimit -d ${MEMORY_KIB} 2>/dev/null; exec "$@"`;
  const child = spawn('sh', ['-c', limited, 'sh', ...node, String(seed), String(executions)], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let last = 'it did not begin';
  let errors = '';
  const watch = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    watch.refresh();
    for (const line of text.split('\n').filter((one) => one !== '')) {
      last = line;
      if (!line.endsWith('begins')) log(line);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals | null>();
  child.on('error', reject).on('close', (code, signal) => resolve(signal ?? code));
  const ended = await promise;
  clearTimeout(watch);
  if (ended !== 0) throw new Error(`ended with ${ended} after "${last}"\n${errors}`);
}
