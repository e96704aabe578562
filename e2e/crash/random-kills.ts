/**
 * Kills the running command with SIGKILL at random times, again and again in one world, and looks at what is left each
 * time. What goes on (`goesOn`) starts from what the kill before it left; the others from the same state again.
 */
import { bytesStoredSince, type DiskState, diskState, isSameState } from './disk-state.ts';
import { FileChanges } from './file-changes.ts';
import { type Aftermath, judgeRepository, lastRecord, listSnapshots, reportedSnapshots, type Truth } from './judge.ts';
import { KillClock, type Undisturbed } from './kill-clock.ts';
import { KillTally, type Phase } from './kill-tally.ts';
import type { Scenario } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';
import { editSourceTree, type Fingerprint, fingerprint } from './source-tree.ts';
import { type Ended, ending, type World } from './world.ts';

export interface RandomKills {
  readonly scenario: Scenario;
  readonly seed: number;
  /** What was done before it could be killed is no kill. */
  readonly kills: number;
}

const JUDGED_EVERY = 10;

export async function killAtRandom(world: World, { scenario, seed, kills }: RandomKills): Promise<KillTally> {
  const random = new SeededRandom(seed);
  const tally = new KillTally();
  let truth = await scenario.prepare(world, random);
  const image = world.read();
  const { stored: undisturbed, ...length } = await runUndisturbed(world, scenario);
  const clock = new KillClock(random, length);
  world.put(image);
  for (let run = 1; tally.killed < kills; run++) {
    // A backup goes on from what is there; what can be done only once starts from the same state again.
    if (!scenario.goesOn && run > 1) world.put(image);
    const stopped = await killOnce(world, { scenario, clock });
    try {
      const aftermath = { world, truth, reported: stopped.stdout, isNewStart: false, random };
      if (stopped.exitCode !== undefined && stopped.exitCode !== 0)
        throw new Error(`ended with ${stopped.exitCode}: ${stopped.stderr}`);
      tally.add(stopped.phase);
      if (scenario.goesOn) truth = await goOn(aftermath, { isJudged: run % JUDGED_EVERY === 0 });
      else {
        const { storedAgain: again } = await scenario.judge(aftermath);
        if (undisturbed !== undefined && stopped.exitCode === undefined)
          tally.compare({ undisturbed, before: stopped.stored, again });
      }
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`run ${run}, ${stopped.phase}: ${message}`, { cause });
    }
  }
  return tally;
}

interface Running {
  readonly scenario: Scenario;
  readonly clock: KillClock;
}

/** Also answers the bytes that it stores, if it is a backup. */
async function runUndisturbed(
  world: World,
  scenario: Scenario,
): Promise<Undisturbed & { readonly stored: number | undefined }> {
  using changes = new FileChanges(world.folder);
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const ended = ending(world.start(scenario.command(world)));
  const first = Promise.race([changes.reached(1), ended]).then(elapsed);
  const { exitCode, stdout, stderr } = await ended;
  if (exitCode !== 0) throw new Error(`${scenario.name} ended with ${exitCode}: ${stderr}`);
  const isBackup = scenario.command(world)[0] === 'backup';
  const stored = isBackup ? Number(lastRecord(stdout)['bytesStored']) : undefined;
  return { ended: elapsed(), first: await first, changes: changes.count, stored };
}

interface Stopped extends Ended {
  readonly phase: Phase;
  /** Bytes under their names in the repository that were not there before. */
  readonly stored: number;
}

async function killOnce(world: World, { scenario, clock }: Running): Promise<Stopped> {
  const before = diskState(world.folder);
  using changes = new FileChanges(world.folder);
  const child = world.start(scenario.command(world));
  const ended = ending(child);
  await Promise.race([clock.moment(changes), ended]);
  child.kill('SIGKILL');
  const end = await ended;
  if (end.exitCode === undefined) clock.wasKilled();
  else clock.wasDone();
  const after = diskState(world.folder);
  const phase = phaseOf(end, { before, after, isDone: scenario.isDone?.({ before, after, world }) === true });
  return { ...end, phase, stored: bytesStoredSince(before, after) };
}

interface Progress {
  readonly before: DiskState;
  readonly after: DiskState;
  readonly isDone: boolean;
}

function phaseOf({ exitCode }: Ended, { before, after, isDone }: Progress): Phase {
  if (exitCode !== undefined) return 'after its end';
  if (isSameState(before, after)) return 'before the first change';
  return isDone ? 'after the commit' : 'in between';
}

/** Answers what must come back from now on. */
async function goOn(aftermath: Aftermath, { isJudged }: { readonly isJudged: boolean }): Promise<Truth> {
  const { world, truth, reported, random } = aftermath;
  if (isJudged) await judgeRepository(aftermath);
  else await world.mustLook(['check', '--read-data']);
  const committed = new Map<number, Fingerprint>(truth.committed);
  const listed = await listSnapshots(world);
  for (const seq of [...committed.keys(), ...reportedSnapshots(reported)])
    if (!listed.includes(seq)) throw new Error(`snapshot #${seq} was committed and is not listed`);
  // All that came since are of the files as they are.
  for (const seq of listed) if (!committed.has(seq)) committed.set(seq, truth.current);
  editSourceTree(world.source, random);
  return { committed, current: fingerprint(world.source) };
}
