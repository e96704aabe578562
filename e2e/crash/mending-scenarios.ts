/** What mends a repository, interrupted: repair, heal, and backups that keep parity for it. */
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Aftermath, filesBelow, type Judgement, judgeRepository, lastRecord, recordsOf } from './judge.ts';
import { backupCommand, prepareRepository } from './prepare-repository.ts';
import { hasCommitted, type Scenario } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { World } from './world.ts';

const PARITY = '10%';
/** What a repository is made of; the ledger is made again from it. */
const STORED = /\/(account|vaults)\//;
const LEDGER = /ledger\.sqlite/;

/** Nothing waits for parity after the next backup, and none is wrong: repair then finds nothing to do. */
const backupWithParity: Scenario = {
  name: 'parity-backup',
  prepare: async (world, random) => await prepareRepository(world, random, { snapshots: 1, parity: PARITY }),
  command: backupCommand,
  isDone: hasCommitted,
  judge: async (aftermath) => {
    const { world } = aftermath;
    const judgement = await judgeRepository(aftermath);
    const waiting = recordsOf(await world.mustLook(['check', '--json'])).filter(({ type }) => type === 'unprotected');
    if (waiting.length > 0) throw new Error(`after the next backup ${waiting.length} files have no parity`);
    await expectNothingToMend(world);
    return judgement;
  },
};

async function expectNothingToMend(world: World): Promise<void> {
  const { mended, parityMade, beyond } = lastRecord(await world.mustLook(['repair', '--json']));
  const found = JSON.stringify({ mended, parityMade, beyond });
  if (found !== '{"mended":0,"parityMade":0,"beyond":[]}') throw new Error(`repair found something to do: ${found}`);
}

/** A ledger that is half made is made again by itself. */
const rebuildLedger: Scenario = {
  name: 'repair-ledger',
  prepare: async (world, random) => {
    const truth = await prepareRepository(world, random, { snapshots: 3 });
    await world.must(['forget', '#1']);
    for (const path of filesBelow(world.repository)) if (LEDGER.test(path)) rmSync(path);
    return { ...truth, committed: new Map([...truth.committed].slice(1)) };
  },
  command: () => ['repair', '--rebuild-ledger'],
  judge: async (aftermath) => {
    const judgement = await judgeRepository(aftermath);
    await aftermath.world.must(['repair', '--rebuild-ledger']);
    await aftermath.world.mustLook(['check', '--read-data']);
    return judgement;
  },
};

/** Two of three files are rotten, or gone where a second copy brings them back; parity files as well. */
const mendFromParity: Scenario = {
  name: 'repair-parity',
  prepare: async (world, random) => {
    const truth = await prepareRepository(world, random, { snapshots: 2, parity: PARITY });
    keepCopy(world);
    for (const path of filesBelow(world.repository)) {
      if (!STORED.test(path) || random.below(3) === 0) continue;
      // Of a file and its parity one: else nothing could be mended.
      const parity = path.replace(world.repository, join(world.repository, 'parity'));
      if (path.startsWith(join(world.repository, 'parity'))) continue;
      if (random.below(3) === 0) hurt(parity, random);
      else if (path.includes('/packs/') || random.below(3) > 0) hurt(path, random);
      else rmSync(path);
    }
    return truth;
  },
  command: () => ['repair'],
  judge: judgeMended,
};

async function judgeMended(aftermath: Aftermath): Promise<Judgement> {
  const { world } = aftermath;
  await world.must(['repair']);
  expectSameAsCopy(world);
  await expectNothingToMend(world);
  return await judgeRepository(aftermath);
}

/** Half of what is stored is gone or rotten, and a second copy has it. */
const healFromCopy: Scenario = {
  name: 'heal',
  prepare: async (world, random) => {
    const truth = await prepareRepository(world, random, { snapshots: 2 });
    keepCopy(world);
    for (const path of filesBelow(join(world.repository, 'vaults'))) {
      if (random.below(2) === 0) continue;
      if (random.below(2) === 0) hurt(path, random);
      else rmSync(path);
    }
    return truth;
  },
  command: heal,
  judge: async (aftermath) => {
    const { world } = aftermath;
    await world.must(heal(world));
    expectSameAsCopy(world);
    return await judgeRepository(aftermath);
  },
};

function heal(world: World): readonly string[] {
  return ['heal', '--from', world.beside('copy'), '--read-data'];
}

function hurt(path: string, random: SeededRandom): void {
  const bytes = readFileSync(path);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

function keepCopy(world: World): void {
  cpSync(world.repository, world.beside('copy'), { recursive: true });
}

function expectSameAsCopy(world: World): void {
  const copy = world.beside('copy');
  for (const path of filesBelow(copy)) {
    if (!STORED.test(path)) continue;
    const own = path.replace(copy, world.repository);
    if (!readFileSync(own).equals(readFileSync(path))) throw new Error(`${own} is not what was stored`);
  }
}

export const mendingScenarios: readonly Scenario[] = [backupWithParity, rebuildLedger, mendFromParity, healFromCopy];
