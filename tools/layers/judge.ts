/** Judges every import of a workspace. Must never pass without having looked: what was not cruised is a problem. */
import { globSync } from 'node:fs';
import type { ICruiseResult, IViolation } from 'dependency-cruiser';
import { cruiseProject, type View } from './cruise.ts';
import { undeclaredImports } from './declared.ts';
import { forbiddenReaches } from './reach.ts';
import { rules } from './rules.ts';

export interface Problem {
  readonly rule: string;
  readonly reason: string;
  readonly what: string;
}

export interface Judgement {
  readonly problems: readonly Problem[];
  readonly modules: number;
  readonly imports: number;
}

/** Files below these folders are not sources. */
export const notSources = /(^|\/)(node_modules|dist|\.cache|fixtures)\/|\.as\.ts$/;

export async function judge(root: string): Promise<Judgement> {
  const views: readonly View[] = ['types', 'node', 'browser'];
  const problems: Problem[] = [];
  let modules = 0;
  let imports = 0;
  for (const view of views) {
    const result = await cruiseProject(root, view);
    modules = Math.max(modules, result.modules.length);
    imports = Math.max(imports, result.summary.totalDependenciesCruised ?? 0);
    const direct = result.summary.violations.filter(({ rule }) => rule.severity === 'error').map(problemFrom);
    problems.push(...direct, ...unresolved(result), ...forbiddenReaches(result.modules, view));
    problems.push(...uncruised(root, result), ...undeclaredImports(root, result));
  }
  return { problems, modules, imports };
}

function problemFrom({ rule, from, to, cycle, via }: IViolation): Problem {
  const reason = rules().find((candidate) => candidate.name === rule.name)?.comment ?? '';
  const way = (cycle ?? via)?.map((step) => step.name) ?? [to];
  return { rule: rule.name, reason, what: [from, ...way].join(' → ') };
}

function unresolved({ modules }: ICruiseResult): Problem[] {
  const reason = 'an import that cannot be resolved is an import that no other rule has seen';
  return modules.flatMap(({ source, dependencies }) =>
    dependencies
      .filter((dependency) => dependency.couldNotResolve)
      .map(({ module }) => ({ rule: 'resolvable', reason, what: `${source} → ${module}` })),
  );
}

function uncruised(root: string, { modules }: ICruiseResult): Problem[] {
  const seen = new Set(modules.map((module) => module.source));
  return globSync('{packages,apps}/**/*.ts', { cwd: root, exclude: (path) => notSources.test(`${path}/`) })
    .filter((path) => !notSources.test(path) && !path.endsWith('.d.ts') && !seen.has(path))
    .map((path) => ({ rule: 'cruised', reason: 'silence is only good news when something was looked at', what: path }));
}
