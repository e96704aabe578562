/** Picks what a restore brings back: include and exclude patterns in gitignore syntax over the paths of a snapshot. */
import type { IgnoreRule } from './ignore-rule.ts';
import { rulesFromOptions } from './read-rules.ts';
import { RuleSet } from './rule-set.ts';

/** Survives structured cloning. */
export interface SelectorConfig {
  /** What is wanted, with everything below it; nothing here means everything. */
  readonly include: readonly string[];
  /** What is not, with everything below it; wins over `include`. */
  readonly exclude: readonly string[];
}

/** 'descend': not wanted itself, but something in this directory may be. */
export type Selection = 'selected' | 'descend' | 'skipped';

export interface Selector {
  /** `path` relative to what is restored, without '/' at either end. */
  select(path: Uint8Array, isDirectory: boolean): Selection;
}

// Answers for directories are remembered, as their entries ask for them; a walk needs those of one branch at a time.
const REMEMBERED = 10_000;

export function createSelector(config: SelectorConfig): Selector {
  const include = new RuleSet(rulesFromOptions(config.include, '--include'));
  const exclude = new RuleSet(rulesFromOptions(config.exclude, '--exclude'));
  if (include.isEmpty && exclude.isEmpty) return { select: () => 'selected' };
  return new RuleSelector(include, exclude);
}

class RuleSelector implements Selector {
  readonly #include: RuleSet;
  readonly #exclude: RuleSet;
  readonly #directories = new Map<string, Selection>();

  constructor(include: RuleSet, exclude: RuleSet) {
    this.#include = include;
    this.#exclude = exclude;
  }

  select(path: Uint8Array, isDirectory: boolean): Selection {
    const text = Buffer.from(path.buffer, path.byteOffset, path.length).toString('latin1');
    return isDirectory ? this.#directory(text) : this.#decide(text, false);
  }

  #directory(path: string): Selection {
    if (path === '') return this.#include.isEmpty ? 'selected' : 'descend';
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const answer = this.#decide(path, true);
    if (this.#directories.size === REMEMBERED) this.#directories.clear();
    this.#directories.set(path, answer);
    return answer;
  }

  #decide(path: string, isDirectory: boolean): Selection {
    const slash = path.lastIndexOf('/');
    const above = this.#directory(slash === -1 ? '' : path.slice(0, slash));
    if (above === 'skipped') return 'skipped';
    const name = path.slice(slash + 1);
    if (isHit(this.#exclude.find(path, name, isDirectory))) return 'skipped';
    if (above === 'selected') return 'selected';
    if (isHit(this.#include.find(path, name, isDirectory))) return 'selected';
    return isDirectory ? 'descend' : 'skipped';
  }
}

function isHit(rule: IgnoreRule | undefined): boolean {
  return rule !== undefined && !rule.negated;
}
