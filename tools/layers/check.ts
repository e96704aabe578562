/**
 * `npm run layers`: checks the import-direction table against every import of the project, types included.
 * It must never pass without having looked: it fails when fewer modules were cruised than sources exist.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { ICruiseResult, IViolation } from 'dependency-cruiser';
import { cruiseProject, views } from './cruise.ts';
import { disallowedDependencies, undeclaredImports } from './declared.ts';
import { mapIsCurrent } from './map.ts';
import { rulesFor, type View } from './rules.ts';
import { drawerNames } from './table.ts';

const root = join(import.meta.dirname, '..', '..');
const ignored = /(^|\/)(node_modules|dist|\.cache|fixtures)\/|\.as\.ts$/;

function describe(violation: IViolation, view: View): string {
  const { rule, from, to, cycle, via } = violation;
  const comment = rulesFor(view).find((candidate) => candidate.name === rule.name)?.comment ?? '';
  const way = (cycle ?? via)?.map((step) => step.name).join(' → ') ?? to;
  return `${rule.name}: ${from} → ${way}\n    ${comment}`;
}

async function violationsIn(view: View, counted: { modules: number; imports: number }): Promise<string[]> {
  const result = await cruiseProject(root, view);
  counted.modules = Math.max(counted.modules, result.modules.length);
  counted.imports = Math.max(counted.imports, result.summary.totalDependenciesCruised ?? 0);
  const violations = result.summary.violations.filter((violation) => violation.rule.severity === 'error');
  return [
    ...violations.map((violation) => describe(violation, view)),
    ...uncruised(result),
    ...undeclaredImports(root, result),
  ];
}

/** Silence is only good news when something was looked at. */
function uncruised(result: ICruiseResult): string[] {
  const seen = new Set(result.modules.map((module) => module.source));
  return globSync('{packages,apps}/**/*.ts', { cwd: root, exclude: (path) => ignored.test(`${path}/`) })
    .filter((path) => !ignored.test(path) && !path.endsWith('.d.ts') && !seen.has(path))
    .map((path) => `not cruised: ${path}`);
}

function drawers(): string[] {
  return globSync(`{packages,apps,tools}/**/{${drawerNames.join(',')}}{,.ts}`, { cwd: root })
    .filter((path) => !ignored.test(`${path}/`))
    .map((path) => `${path}: name it for what it holds`);
}

async function main(): Promise<void> {
  const counted = { modules: 0, imports: 0 };
  const problems = new Set<string>([...drawers(), ...disallowedDependencies(root)]);
  for (const view of views) for (const problem of await violationsIn(view, counted)) problems.add(problem);
  const write = process.argv.includes('--write-map');
  if (!mapIsCurrent(join(root, 'ARCHITECTURE.md'), { write })) {
    problems.add('ARCHITECTURE.md: the map is stale, run npm run layers:map');
  }
  for (const problem of problems) console.error(problem);
  console.log(`layers: ${counted.modules} modules, ${counted.imports} imports, ${problems.size} problems`);
  if (problems.size > 0 || counted.modules === 0) process.exitCode = 1;
}

await main();
