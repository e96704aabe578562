/**
 * `npm run torture -- [JOB…] [--seed N] [--seconds N | --rounds N] [--list]`: tries to break what Keephold promises, for
 * longer than a test run may. Every job is bounded and seeded; the last line is `N held, N broke`.
 */
import { parseArgs } from 'node:util';
import { jobs } from '../e2e/torture/jobs.ts';
import { rounds, roundsFor, type TortureJob, type TortureOptions } from '../e2e/torture/torture-job.ts';

/** Of each job, unless told otherwise. */
const SECONDS = 120;
const USAGE = 'usage: npm run torture -- [JOB…] [--seed N] [--seconds N | --rounds N] [--list]';

interface Plan {
  readonly chosen: readonly TortureJob[];
  readonly seed: number;
  /** A clock that starts with the job. */
  readonly limit: () => TortureOptions['more'];
}

function planOf(args: readonly string[]): Plan | 'list' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      list: { type: 'boolean' },
    },
  });
  if (values.list === true) return 'list';
  const unknown = positionals.filter((name) => !jobs.some((job) => job.name === name));
  if (unknown.length > 0) throw new Error(`no job is called ${unknown.join(', ')}`);
  const chosen = positionals.length === 0 ? jobs : jobs.filter(({ name }) => positionals.includes(name));
  const seed = whole(values.seed) ?? Math.floor(Math.random() * 1e9);
  const count = whole(values.rounds);
  const seconds = whole(values.seconds) ?? SECONDS;
  const limit = () => (count === undefined ? roundsFor(seconds, () => performance.now()) : rounds(Math.max(1, count)));
  return { chosen, seed, limit };
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`"${text}" is no whole number`);
  return Number(text);
}

/** Whether it held. */
async function torture(job: TortureJob, { seed, limit }: Plan): Promise<boolean> {
  console.log(`\n── ${job.name}: ${job.tries}\n   seed ${seed}`);
  const started = performance.now();
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(1);
  try {
    await job.run({ seed, more: limit(), log: (line) => console.log(`   ${line}`) });
    console.log(`${job.name}: held (${seconds()} s)`);
    return true;
  } catch (error) {
    console.error(error);
    console.log(`${job.name}: BROKE with seed ${seed} (${seconds()} s)`);
    return false;
  }
}

async function main(): Promise<void> {
  let plan: Plan | 'list';
  try {
    plan = planOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (plan === 'list') {
    for (const { name, tries } of jobs) console.log(`${name}: ${tries}`);
    return;
  }
  let broke = 0;
  for (const job of plan.chosen) if (!(await torture(job, plan))) broke += 1;
  console.log(`\n${plan.chosen.length - broke} held, ${broke} broke`);
  if (broke > 0) process.exitCode = 1;
}

await main();
