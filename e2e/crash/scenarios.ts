/** All that is interrupted, by name: backups, restores, what deletes; the rest stands in files of its own. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diskState, hasLost } from './disk-state.ts';
import {
  type Aftermath,
  backUpAgain,
  expectRestored,
  filesBelow,
  type Judgement,
  judgeRepository,
  listSnapshots,
} from './judge.ts';
import { changePassword, keyScenarios } from './key-scenarios.ts';
import { mendingScenarios } from './mending-scenarios.ts';
import { backupCommand, prepareRepository } from './prepare-repository.ts';
import { hasCommitted, type IsDone, NOTHING_STORED, type Scenario } from './scenario.ts';
import { differences, type Fingerprint, fingerprint, makeSourceTree } from './source-tree.ts';
import type { World } from './world.ts';

const hasAllNames: IsDone = ({ after, world }) =>
  [...diskState(world.source).keys()].every((name) => after.has(`restored/${name}`));

type Prepare = Scenario['prepare'];

const prepareWith =
  (snapshots: number): Prepare =>
  async (world, random) =>
    await prepareRepository(world, random, { snapshots });

/** The newest snapshot is of the files as they are. */
const prepareCurrent: Prepare = async (world, random) => {
  const truth = await prepareRepository(world, random, { snapshots: 1 });
  await world.must(backupCommand(world));
  return { ...truth, committed: new Map([...truth.committed, [2, truth.current]]) };
};

const prepareLarge: Prepare = async (world, random) => {
  await prepareRepository(world, random, { snapshots: 0 });
  for (let file = 0; file < LARGE_FILES; file++) writeFileSync(`${world.source}/larger ${file}`, randomBytes(LARGE));
  return { committed: new Map(), current: fingerprint(world.source) };
};

/** Of 8 MiB: four full packs (format.md §3), and some. */
const LARGE_FILES = 9;
const LARGE: number = 8 * 1024 * 1024;

const prepareWithoutHome: Prepare = async (world, random) => {
  const truth = await prepareRepository(world, random, { snapshots: 1 });
  rmSync(join(world.folder, 'home'), { recursive: true });
  return truth;
};

function backup(name: string, prepare: Prepare): Scenario {
  return { name, prepare, command: backupCommand, judge: judgeRepository, isDone: hasCommitted };
}

const backups: readonly Scenario[] = [
  { ...backup('first-backup', prepareWith(0)), goesOn: true },
  backup('changed-backup', prepareWith(2)),
  backup('unchanged-backup', prepareCurrent),
  // A device whose home was lost writes into the repository again.
  backup('new-device', prepareWithoutHome),
];

const restore: Scenario = {
  name: 'restore',
  isDone: hasAllNames,
  prepare: prepareCurrent,
  command: (world) => ['restore', `latest:${world.source}`, '--target', world.target],
  judge: judgeRestored,
};

/** As restore, but what it reports as restored outlasts a power cut. */
const syncedRestore: Scenario = {
  ...restore,
  name: 'restore-sync',
  command: (world) => [...restore.command(world), '--sync'],
  judge: async (aftermath) => await judgeRestored(aftermath, { synced: true }),
};

async function judgeRestored(aftermath: Aftermath, { synced } = { synced: false }): Promise<Judgement> {
  const { world, truth, reported, isNewStart } = aftermath;
  const isDone = /^restored \d+ items/m.test(reported);
  // Contents that the system had not written yet are lost with the power, whatever the names say: what counts is that
  // the next restore knows it.
  if (isNewStart) pretendNewStart(world);
  else if (existsSync(world.target)) expectWholeFiles(world, truth.current);
  if (isDone && (synced || !isNewStart)) expectSame(world, truth.current);
  await world.must(['restore', `latest:${world.source}`, '--target', world.target]);
  expectSame(world, truth.current);
  return NOTHING_STORED;
}

/** This machine runs on: its earlier start is what is changed. */
function pretendNewStart(world: World): void {
  for (const path of filesBelow(join(world.folder, 'home/.local/state/keephold/restores')))
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^\d+(?= [0-9a-f]{32}$)/gm, '1000'));
}

/** Names say what files are: under a name of the snapshot stands the whole file. */
function expectWholeFiles(world: World, wanted: Fingerprint): void {
  for (const [path, value] of fingerprint(world.target)) {
    const [type, , , content = ''] = value.split(' ');
    if (type !== FILE || path.includes('/.keephold-partial-')) continue;
    const whole = wanted.get(path)?.split(' ')[3];
    if (content !== whole) throw new Error(`${JSON.stringify(path)} shows ${content}, not ${whole}`);
  }
}

/** Of st_mode. */
const FILE = '8';

function expectSame(world: World, wanted: Fingerprint): void {
  const wrong = differences(wanted, fingerprint(world.target));
  if (wrong.length > 0) throw new Error(`the target is otherwise:\n${wrong.join('\n')}`);
}

const collect: Scenario = {
  name: 'gc',
  isDone: ({ before, after }) => hasLost(before, after, /\/(packs|objects)\//),
  prepare: async (world, random) => {
    const truth = await prepareRepository(world, random, { snapshots: 3 });
    await world.must(['forget', '#1', '#2']);
    return { ...truth, committed: new Map([...truth.committed].slice(2)) };
  },
  command: () => ['gc', '--trash-days', '0', '--purge-days', '0'],
  judge: judgeCollected,
};

/** What is kept is whole at once, before anything else runs; a backup goes on, and gc once more ends what was begun. */
async function judgeCollected({ world, truth, random }: Aftermath): Promise<Judgement> {
  const kept = truth.committed.get(3) ?? truth.current;
  await expectRestored(world, '#3', kept);
  const judgement = await backUpAgain(world);
  await world.must(['gc', '--trash-days', '0', '--purge-days', '0']);
  const seqs = await listSnapshots(world);
  if (seqs.includes(1) || seqs.includes(2)) throw new Error('what was forgotten is still listed after gc');
  if (!seqs.includes(3)) throw new Error('snapshot #3 is not listed after gc');
  await world.mustLook(['check', '--read-data']);
  if (random.below(2) === 0) await expectRestored(world, 'latest', truth.current);
  else await expectRestored(world, '#3', kept);
  return judgement;
}

const forget: Scenario = {
  name: 'forget',
  prepare: async (world, random) => {
    const truth = await prepareRepository(world, random, { snapshots: 2 });
    return { ...truth, committed: new Map([...truth.committed].slice(1)) };
  },
  command: () => ['forget', '#1'],
  isDone: hasCommitted,
  judge: judgeRepository,
};

/** Made or not made; and what was not made can be made again. */
const create: Scenario = {
  name: 'init',
  prepare: async (world, random) => {
    makeSourceTree(world.source, random);
    return { committed: new Map(), current: fingerprint(world.source) };
  },
  command: () => ['init', '--trusted'],
  judge: async (aftermath) => {
    const { world, reported } = aftermath;
    const { exitCode, stderr } = await world.run(['keys', 'list']);
    if (exitCode !== 0) {
      if (exitCode !== NO_REPOSITORY) throw new Error(`keys list ended with ${exitCode}: ${stderr}`);
      if (reported.includes('created')) throw new Error('init said it had made a repository, and there is none');
      await world.must(['init', '--trusted']);
    }
    return await judgeRepository(aftermath);
  },
};

const NO_REPOSITORY = 10;

export const scenarios: readonly Scenario[] = [
  ...backups,
  restore,
  syncedRestore,
  collect,
  forget,
  changePassword,
  create,
];

/** Too large to be tried at every operation, or long to judge. */
export const killedScenarios: readonly Scenario[] = [
  ...scenarios,
  ...keyScenarios,
  ...mendingScenarios,
  // Of several packs: what was stored before it was stopped is not stored again.
  backup('large-backup', prepareLarge),
];
