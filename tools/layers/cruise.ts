/** Runs dependency-cruiser as the project needs it. It must never follow into installed packages. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { rules } from './rules.ts';

/**
 * What an import leads to depends on who asks: the type checker, Node, or a browser (export conditions). The first sees
 * imports of types as well; the other two see what is really run.
 */
export type View = 'types' | 'node' | 'browser';

const conditions: Readonly<Record<View, readonly string[]>> = {
  types: ['@keephold/source', 'types', 'import', 'node', 'default'],
  node: ['@keephold/source', 'import', 'node', 'default'],
  browser: ['@keephold/source', 'browser', 'import', 'default'],
};

/** Every module below packages/ and apps/ of the workspace in `root`; in the view of types judged by the direct rules. */
export async function cruiseProject(root: string, view: View): Promise<ICruiseResult> {
  const folders = ['packages', 'apps'].filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(folders, {
    baseDir: root,
    ...(view === 'types' ? { validate: true, ruleSet: { forbidden: rules() } } : {}),
    // Imports of types stay visible and are marked as such: compiling them away would take three times as long.
    tsPreCompilationDeps: true,
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
