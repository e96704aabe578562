/** Changes of what opens a repository, interrupted. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasMore } from './disk-state.ts';
import { type Aftermath, expectRestored, filesBelow, type Judgement, judgeRepository } from './judge.ts';
import { prepareRepository } from './prepare-repository.ts';
import { type IsDone, NOTHING_STORED, type Scenario } from './scenario.ts';
import type { World } from './world.ts';

const isInKeychain: IsDone = ({ before, after }) => hasMore(before, after, /\/keychain\/\d+$/);

const OLD = 'a password that nobody guesses 1';
const NEW = 'another password that is as good 2';

/** One password opens the repository from the next run on, the words always; and it can be changed again. */
export const changePassword: Scenario = {
  name: 'change-password',
  isDone: isInKeychain,
  prepare: async (world, random) => {
    world.setPassword(OLD);
    world.writePassword('new-password', NEW);
    return await prepareRepository(world, random, { snapshots: 1 });
  },
  command: (world) => ['keys', 'password', '--new-password-file', world.beside('new-password')],
  judge: async ({ world, reported, truth }) => {
    const withNew = await opens(world, NEW);
    const withOld = await opens(world, OLD);
    // Tried one after the other: the first that opens settles what was cut short.
    if (withNew === withOld)
      throw new Error(
        `${withNew ? 'the old password and the new one each open' : 'neither the old password nor the new one opens'} the repository`,
      );
    if (reported.includes('the password is changed') && (!withNew || withOld))
      throw new Error(
        `the password was changed, and the new one ${withNew ? 'and the old one work' : 'does not work'}`,
      );
    await expectWordsOpen(world);
    // The same once more, as the user would who does not know how far it came.
    world.setPassword(withOld ? OLD : NEW);
    await world.must(['keys', 'password', '--new-password-file', world.writePassword('new-password', NEW)]);
    if (await opens(world, OLD)) throw new Error('the old password still opens the repository');
    if (!(await opens(world, NEW))) throw new Error('the new password does not open the repository');
    await expectRestored(world, '#1', truth.committed.get(1) ?? truth.current);
    world.setPassword(OLD);
    return NOTHING_STORED;
  },
};

const WRONG_PASSWORD = 12;

/** Whether the password opens the repository. It is the one that is used from now on. */
async function opens(world: World, password: string): Promise<boolean> {
  world.setPassword(password);
  const { exitCode, stderr } = await world.look(['keys', 'list']);
  if (exitCode !== 0 && exitCode !== WRONG_PASSWORD) throw new Error(`keys list ended with ${exitCode}: ${stderr}`);
  return exitCode === 0;
}

async function expectWordsOpen(world: World): Promise<void> {
  const words = filesBelow(join(world.folder, 'home')).find((path) => path.endsWith('recovery-words.txt'));
  await world.mustLook(['keys', 'words', '--words-file', words ?? 'nowhere']);
}

const add = (world: World): readonly string[] => [
  'keys',
  'add',
  'password',
  '--new-password-file',
  world.beside('new-password'),
];

/** The first password opens throughout; the second opens or does not, and can be added again. */
const addPassword: Scenario = {
  name: 'keys-add',
  isDone: isInKeychain,
  prepare: async (world, random) => {
    world.writePassword('new-password', NEW);
    return await prepareRepository(world, random, { snapshots: 1 });
  },
  command: add,
  judge: async (aftermath) => {
    const { world, reported } = aftermath;
    if (!(await opens(world, NEW))) {
      if (reported.includes('is added')) throw new Error('the password was added and does not open the repository');
      world.setPassword(OLD);
      await world.must(add(world));
    }
    return await expectWays(aftermath, { open: [NEW, OLD], closed: [] });
  },
};

const remove = (world: World): readonly string[] => ['keys', 'remove', readFileSync(world.beside('second-id'), 'utf8')];

/** The first password opens throughout; what was said to be removed does not, and the rest can be removed again. */
const removePassword: Scenario = {
  name: 'keys-remove',
  isDone: isInKeychain,
  prepare: async (world, random) => {
    world.writePassword('new-password', NEW);
    const truth = await prepareRepository(world, random, { snapshots: 1 });
    const id = /\(([0-9a-f]{8})\)/.exec(await world.must(add(world)))?.[1];
    writeFileSync(world.beside('second-id'), id ?? 'none');
    return truth;
  },
  command: remove,
  judge: async (aftermath) => {
    const { world, reported } = aftermath;
    if (await opens(world, NEW)) {
      if (reported.includes('removed')) throw new Error('the password was removed and opens the repository');
      world.setPassword(OLD);
      await world.must(remove(world));
    }
    return await expectWays(aftermath, { closed: [NEW], open: [OLD] });
  },
};

/** The last of those that are open is used from then on. */
async function expectWays(
  aftermath: Aftermath,
  { open, closed }: { readonly open: readonly string[]; readonly closed: readonly string[] },
): Promise<Judgement> {
  const { world } = aftermath;
  for (const password of closed)
    if (await opens(world, password)) throw new Error('a password that was removed opens the repository');
  for (const password of open)
    if (!(await opens(world, password))) throw new Error('a password does not open the repository');
  await expectWordsOpen(world);
  return await judgeRepository(aftermath);
}

export const keyScenarios: readonly Scenario[] = [addPassword, removePassword];
