/** Records one command, stops it at chosen operations, and judges what is left. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type Crash, imageAfter, type Keeping, reportedBefore } from './crash-state.ts';
import { type DiskImage, imageDifferences } from './disk-image.ts';
import { type FileOperation, isChange } from './file-operation.ts';
import type { Scenario } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';
import type { World } from './world.ts';

export interface Attempt {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Of all crashes, in order, those with `index % every === phase`. */
  readonly every: number;
  readonly phase: number;
  readonly log: (line: string) => void;
}

export interface Outcome {
  readonly operations: number;
  readonly kills: number;
  readonly powerLosses: number;
  readonly failures: readonly string[];
  /** The most bytes that the next backup stored. */
  readonly storedAgain: number;
}

/** Recording takes strace, and the right to use it. */
export function canRecord(): boolean {
  return spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
}

const KEEPING: readonly Keeping[] = ['nothing', 'names', 'some'];

export async function tryCrashes(world: World, { scenario, seed, every, phase, log }: Attempt): Promise<Outcome> {
  const truth = await scenario.prepare(world, new SeededRandom(seed));
  const { before, operations, ended } = await world.record(scenario.command(world));
  if (ended.exitCode !== 0) throw new Error(`${scenario.name} ended with ${ended.exitCode}: ${ended.stderr}`);
  expectExplained(world, before, operations);
  const chosen = crashesOf(operations).filter((_, index) => index % every === phase % every);
  const seen = new Set<string>();
  const outcome = { operations: operations.length, kills: 0, powerLosses: 0, failures: [] as string[], storedAgain: 0 };
  for (const crash of chosen) {
    const random = new SeededRandom(seed + crash.at);
    const image = imageAfter(before, operations, crash, random);
    const reported = reportedBefore(operations, crash.at);
    const state = `${reported}${stateOf(image)}`;
    // The same files again prove nothing new.
    if (seen.has(state)) continue;
    seen.add(state);
    if (crash.kind === 'kill') outcome.kills += 1;
    else outcome.powerLosses += 1;
    world.put(image);
    try {
      const { storedAgain } = await scenario.judge({
        world,
        truth,
        reported,
        isNewStart: crash.kind === 'power-loss',
        random,
      });
      outcome.storedAgain = Math.max(outcome.storedAgain, storedAgain);
    } catch (error) {
      const failure = `${scenario.name}, ${describe(crash, operations)}: ${error instanceof Error ? error.message : String(error)}`;
      outcome.failures.push(failure);
      log(`FAILED ${failure}`);
    }
  }
  return outcome;
}

/** What was recorded accounts for all that is on the disk; but for what SQLite keeps in memory that it shares. */
function expectExplained(world: World, before: DiskImage, operations: readonly FileOperation[]): void {
  const all: Crash = { kind: 'kill', at: operations.length, half: false };
  const unexplained = imageDifferences(world.read(), imageAfter(before, operations, all, new SeededRandom(0)));
  const wrong = unexplained.filter((path) => !path.endsWith('.sqlite-shm'));
  if (wrong.length > 0) throw new Error(`the recording does not explain ${wrong.join(', ')}`);
}

/** Before each operation that changes something, and after the last. Prints count: what was told must be true. */
function crashesOf(operations: readonly FileOperation[]): readonly Crash[] {
  const crashes: Crash[] = [];
  for (let at = 0; at <= operations.length; at++) {
    const next = operations[at];
    const previous = operations[at - 1];
    if (previous === undefined || previous.kind !== 'sync') crashes.push({ kind: 'kill', at, half: false });
    if (next?.kind === 'write' && next.bytes.length > 1) crashes.push({ kind: 'kill', at, half: true });
    for (const keeps of KEEPING) crashes.push({ kind: 'power-loss', at, keeps });
  }
  return crashes;
}

function stateOf(image: DiskImage): string {
  const hash = createHash('sha256');
  const visit = (inode: number): void => {
    for (const [name, child] of [...image.folder(inode)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const node = image.node(child);
      hash.update(JSON.stringify([name, child, node.made, node.mode, node.data.length])).update(node.data);
      if (node.made === 'folder') visit(child);
      hash.update(';');
    }
  };
  visit(0);
  return hash.digest('hex');
}

function describe(crash: Crash, operations: readonly FileOperation[]): string {
  const what = crash.kind === 'kill' ? `killed${crash.half ? ' half-way' : ''}` : `power lost (kept: ${crash.keeps})`;
  return `${what} at operation ${crash.at} of ${operations.length}, before ${describeOperation(operations[crash.at])}`;
}

function describeOperation(operation: FileOperation | undefined): string {
  if (operation === undefined) return 'the end';
  if (!isChange(operation)) return operation.kind;
  const name =
    'at' in operation ? operation.at.name : 'to' in operation ? operation.to.name : `inode ${operation.inode}`;
  return `${operation.kind} ${JSON.stringify(name)}`;
}
