/** Runs dependency-cruiser as the project needs it. It must never follow into installed packages. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { rulesFor, type View } from './rules.ts';

const conditions: Readonly<Record<View, readonly string[]>> = {
  types: ['@keephold/source', 'types', 'import', 'node', 'default'],
  node: ['@keephold/source', 'import', 'node', 'default'],
  browser: ['@keephold/source', 'browser', 'import', 'default'],
};

export const views: readonly View[] = ['types', 'node', 'browser'];

/** Every module below packages/ and apps/ of the workspace in `root`, judged by the rules of the layer table. */
export async function cruiseProject(root: string, view: View): Promise<ICruiseResult> {
  const folders = ['packages', 'apps'].filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(folders, {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: rulesFor(view) },
    tsPreCompilationDeps: view === 'types',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.cache|fixtures)/|\\.as\\.ts$' },
    combinedDependencies: false,
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: [...conditions[view]],
      extensions: ['.ts', '.js', '.json'],
    },
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of modules');
  return output;
}
