/**
 * Kills the running command with SIGKILL at random times, again and again in one world: what one kill leaves is what the
 * next run starts from. After every kill the repository is looked at; every few a run is let go to its end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { judgeRepository, listSnapshots, reportedSnapshots, type Truth } from './judge.ts';
import type { Scenario } from './scenarios.ts';
import { SeededRandom } from './seeded-random.ts';
import { editSourceTree, type Fingerprint, fingerprint } from './source-tree.ts';
import { ending, type World } from './world.ts';

export interface RandomKills {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly kills: number;
}

/** Longer than any of these commands takes on a slow machine; found anew from how long the last one took. */
const FIRST_GUESS_MS = 400;
/** Starting Node is no work that could be lost. */
const START_MS = 50;
const JUDGED_EVERY = 10;

/** Answers how many were killed before they were done. */
export async function killAtRandom(world: World, { scenario, seed, kills }: RandomKills): Promise<number> {
  const random = new SeededRandom(seed);
  let truth: Truth = await scenario.prepare(world, random);
  const image = world.read();
  let [killed, span] = [0, FIRST_GUESS_MS];
  for (let kill = 1; kill <= kills; kill++) {
    // A backup goes on from what is there; what can be done only once starts from the same state again.
    if (!scenario.goesOn) world.put(image);
    const started = performance.now();
    const child = world.start(scenario.command(world));
    const ended = ending(child);
    await Promise.race([sleep(START_MS + random.below(span)), ended]);
    child.kill('SIGKILL');
    const { exitCode, stdout, stderr } = await ended;
    if (exitCode === undefined) killed += 1;
    else span = Math.max(100, Math.round(performance.now() - started));
    if (exitCode !== undefined && exitCode !== 0) throw new Error(`kill ${kill}: ended with ${exitCode}: ${stderr}`);
    try {
      truth = await afterKill(world, { scenario, truth, reported: stdout, random, isLast: kill % JUDGED_EVERY === 0 });
    } catch (error) {
      throw new Error(`after kill ${kill}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  return killed;
}

interface AfterKill {
  readonly scenario: Scenario;
  readonly truth: Truth;
  readonly reported: string;
  readonly random: SeededRandom;
  readonly isLast: boolean;
}

/** Answers what must come back from now on. */
async function afterKill(world: World, { scenario, truth, reported, random, isLast }: AfterKill): Promise<Truth> {
  const aftermath = { world, truth, reported, isNewStart: false, random };
  if (!scenario.goesOn) {
    await scenario.judge(aftermath);
    return truth;
  }
  if (isLast) await judgeRepository(aftermath);
  else await world.must(['check', '--read-data']);
  const committed = new Map<number, Fingerprint>(truth.committed);
  const listed = await listSnapshots(world);
  for (const seq of [...committed.keys(), ...reportedSnapshots(reported)])
    if (!listed.includes(seq)) throw new Error(`snapshot #${seq} was committed and is not listed`);
  // All that came since are of the files as they are.
  for (const seq of listed) if (!committed.has(seq)) committed.set(seq, truth.current);
  editSourceTree(world.source, random);
  return { committed, current: fingerprint(world.source) };
}
