/** Looks at every world that can be reached, breadth first, so that what it finds is a shortest history. */
import { firstWorld, keyOf, type ModelSize, type Rules, steps, violation, type World } from './_vault-model.ts';

export interface SearchResult {
  readonly states: number;
  readonly steps: number;
  /** The longest of the shortest ways to a state. */
  readonly depth: number;
  readonly broken: Breach | undefined;
  /** Whether nothing was left to look at. */
  readonly complete: boolean;
}

export interface Breach {
  readonly cause: string;
  readonly history: readonly string[];
}

interface Reached {
  readonly world: World;
  readonly step: string;
  readonly from: Reached | undefined;
}

/** `more` is asked once a level with the number of the level. */
export function search(rules: Rules, size: ModelSize, more: (level: number) => boolean = () => true): SearchResult {
  const seen = new Set<string>();
  let [depth, taken] = [0, 0];
  let level: Reached[] = [{ world: firstWorld(size), step: '', from: undefined }];
  seen.add(keyOf(firstWorld(size)));
  const result = (broken: Breach | undefined): SearchResult => ({
    states: seen.size,
    steps: taken,
    depth,
    broken,
    complete: level.length === 0,
  });
  for (; level.length > 0 && more(depth); depth++) {
    const next: Reached[] = [];
    for (const from of level) {
      for (const { name, world } of steps(rules, size, from.world)) {
        taken += 1;
        const reached = { world, step: name, from };
        const cause = violation(rules, world);
        if (cause !== undefined) return result({ cause, history: historyOf(reached) });
        const key = keyOf(world);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(reached);
      }
    }
    level = next;
  }
  return result(undefined);
}

function historyOf(end: Reached): readonly string[] {
  const history: string[] = [];
  for (let at: Reached | undefined = end; at?.from !== undefined; at = at.from) history.unshift(at.step);
  return history;
}
