/** A world with something to lose: a repository and its snapshots. */
import type { Truth } from './judge.ts';
import type { SeededRandom } from './seeded-random.ts';
import { editSourceTree, type Fingerprint, fingerprint, makeSourceTree } from './source-tree.ts';
import type { World } from './world.ts';

export interface Prepared {
  readonly snapshots: number;
  /** As `init --parity` takes it. */
  readonly parity?: string;
}

export const backupCommand = (world: World): readonly string[] => ['backup', '--json', world.source];

/** Of a trusted device, each snapshot of other files. */
export async function prepareRepository(
  world: World,
  random: SeededRandom,
  { snapshots, parity }: Prepared,
): Promise<Truth> {
  makeSourceTree(world.source, random);
  await world.must(['init', '--trusted', ...(parity === undefined ? [] : ['--parity', parity])]);
  const committed = new Map<number, Fingerprint>();
  for (let seq = 1; seq <= snapshots; seq++) {
    await world.must(backupCommand(world));
    committed.set(seq, fingerprint(world.source));
    editSourceTree(world.source, random);
  }
  return { committed, current: fingerprint(world.source) };
}
