/**
 * A list of rules of which the last that matches decides. Plain names, suffixes and paths are looked up, only real
 * globs are tried one by one, so that a hundred rules cost an entry little more than one.
 */
import type { IgnoreRule } from './ignore-rule.ts';

/** Index of the last rule with this text, for any entry and for directories. */
interface Latest {
  readonly any: number;
  readonly directory: number;
}

interface Glob {
  readonly index: number;
  readonly rule: IgnoreRule;
  readonly regExp: RegExp;
  readonly onPath: boolean;
}

const NONE = -1;

export class RuleSet {
  readonly #rules: readonly IgnoreRule[];
  readonly #names = new Map<string, Latest>();
  readonly #paths = new Map<string, Latest>();
  /** By length, then by text. */
  readonly #suffixes = new Map<number, Map<string, Latest>>();
  /** Last first. */
  readonly #globs: Glob[] = [];

  constructor(rules: readonly IgnoreRule[]) {
    this.#rules = rules;
    for (const [index, rule] of rules.entries()) this.#add(index, rule);
    this.#globs.reverse();
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** False when names alone decide: `find` then does not look at the path. */
  get usesPaths(): boolean {
    return this.#paths.size > 0 || this.#globs.some((glob) => glob.onPath);
  }

  /**
   * The last rule that matches, which may be a negated one. `path` is relative to the top, without '/' at either end;
   * `name` its last part; both latin1.
   */
  find(path: string, name: string, isDirectory: boolean): IgnoreRule | undefined {
    let best = latest(this.#names.get(name), isDirectory);
    // Looking a path up means hashing all of it: not for nothing.
    if (this.#paths.size > 0) best = Math.max(best, latest(this.#paths.get(path), isDirectory));
    for (const [length, texts] of this.#suffixes) {
      if (name.length >= length)
        best = Math.max(best, latest(texts.get(name.slice(name.length - length)), isDirectory));
    }
    for (const { index, rule, regExp, onPath } of this.#globs) {
      if (index < best) break;
      if (rule.directoryOnly && !isDirectory) continue;
      if (regExp.test(onPath ? path : name)) return rule;
    }
    return this.#rules[best];
  }

  #add(index: number, rule: IgnoreRule): void {
    const { match } = rule;
    switch (match.kind) {
      case 'name':
        put(this.#names, match.text, index, rule);
        break;
      case 'path':
        put(this.#paths, match.text, index, rule);
        break;
      case 'suffix': {
        const texts = this.#suffixes.get(match.text.length) ?? new Map<string, Latest>();
        this.#suffixes.set(match.text.length, texts);
        put(texts, match.text, index, rule);
        break;
      }
      case 'name-glob':
      case 'path-glob':
        this.#globs.push({ index, rule, regExp: match.regExp, onPath: match.kind === 'path-glob' });
        break;
    }
  }
}

function put(texts: Map<string, Latest>, text: string, index: number, rule: IgnoreRule): void {
  const any = texts.get(text)?.any ?? NONE;
  texts.set(text, { any: rule.directoryOnly ? any : index, directory: index });
}

function latest(found: Latest | undefined, isDirectory: boolean): number {
  if (found === undefined) return NONE;
  return isDirectory ? found.directory : found.any;
}
