/** What is interrupted: how the world looks before, the command, and what must be so afterwards. */
import { type DiskState, hasMore } from './disk-state.ts';
import type { Aftermath, Judgement, Truth } from './judge.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  readonly prepare: (world: World, random: SeededRandom) => Promise<Truth>;
  readonly command: (world: World) => readonly string[];
  readonly judge: (aftermath: Aftermath) => Promise<Judgement>;
  /** Whether it can be done again and again, each time going on from what is there. */
  readonly goesOn?: true;
  /** Whether what cannot be taken back has happened; for telling how far a run came. */
  readonly isDone?: IsDone;
}

export type IsDone = (run: { readonly before: DiskState; readonly after: DiskState; readonly world: World }) => boolean;

export const NOTHING_STORED: Judgement = { storedAgain: 0 };

export const hasCommitted: IsDone = ({ before, after }) => hasMore(before, after, /\/chain\/\d+$/);
