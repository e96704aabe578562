/**
 * The rules about what can be reached, over any number of imports. dependency-cruiser has such rules, but follows every
 * module anew for each; one walk from all starting points answers the same in no time. Must never judge by types alone:
 * what counts is what runs.
 */
import { builtinModules } from 'node:module';
import type { IModule } from 'dependency-cruiser';
import type { View } from './cruise.ts';
import type { Problem } from './judge.ts';
import { nodePartPattern, testCode } from './rules.ts';
import { keylessCrypto, layers } from './table.ts';

interface ReachRule {
  readonly name: string;
  readonly reason: string;
  readonly from: RegExp;
  readonly fromNot: RegExp;
  readonly to: RegExp;
  readonly toNot?: RegExp;
}

/** The server cannot decrypt: what keeps the packs can reach no key and no code that uses one. */
const keepers = { from: /^packages\/(server|custody|backend)\//, fromNot: new RegExp(testCode) };
const blindRules: readonly ReachRule[] = [
  {
    name: 'keepers are blind: vault and engine',
    reason: 'nothing reachable from server, custody or backend may import what holds keys or plain text',
    ...keepers,
    to: /^packages\/(vault|engine)\//,
  },
  {
    name: 'keepers are blind: crypto',
    reason: 'server, custody and backend reach crypto through its key-less entry crypto/verify and no further',
    ...keepers,
    to: /^packages\/crypto\//,
    toNot: new RegExp(`^packages/crypto/src/(${keylessCrypto.join('|')})$`),
  },
];

const nodeModules = new RegExp(`^(node:)?(${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`);
const browserRules: readonly ReachRule[] = layers
  .filter((layer) => layer.runsOn === 'any')
  .map((layer) => ({
    name: `runs in a browser: ${layer.folder}`,
    reason: 'what says it runs on any must not reach a Node module by any way that a browser takes',
    from: new RegExp(`^${layer.folder}/src/`),
    fromNot: new RegExp(`${testCode}|${nodePartPattern(layer)}`),
    to: nodeModules,
  }));

const rulesByView: Readonly<Record<View, readonly ReachRule[]>> = {
  types: [],
  node: blindRules,
  browser: browserRules,
};

/** One problem for each forbidden module that is reached, with the way to it. */
export function forbiddenReaches(modules: readonly IModule[], view: View): Problem[] {
  const imports = new Map(modules.map((module) => [module.source, importsThatRun(module)]));
  return rulesByView[view].flatMap((rule) => {
    const starts = [...imports.keys()].filter((source) => rule.from.test(source) && !rule.fromNot.test(source));
    const cameFrom = walk(starts, imports);
    return [...cameFrom.keys()]
      .filter((source) => rule.to.test(source) && rule.toNot?.test(source) !== true)
      .map((source) => ({ rule: rule.name, reason: rule.reason, what: wayTo(source, cameFrom).join(' → ') }));
  });
}

function importsThatRun({ dependencies }: IModule): string[] {
  return dependencies.filter((to) => !to.dependencyTypes.includes('type-only')).map((to) => to.resolved);
}

/** Everything that can be reached, each with the module it was first reached from (undefined: a start). */
function walk(
  starts: readonly string[],
  imports: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, string | undefined> {
  const cameFrom = new Map<string, string | undefined>(starts.map((start) => [start, undefined]));
  // A map gives what is added while it is walked.
  for (const at of cameFrom.keys()) {
    for (const next of imports.get(at) ?? []) if (!cameFrom.has(next)) cameFrom.set(next, at);
  }
  return cameFrom;
}

function wayTo(end: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const way: string[] = [];
  for (let at: string | undefined = end; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
