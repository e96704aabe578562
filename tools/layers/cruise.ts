/** Runs dependency-cruiser as the project needs it. It must never follow into installed packages. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { rules } from './rules.ts';

/** Every module below packages/ and apps/ of the workspace in `root`, judged by the rules of the layer table. */
export async function cruiseProject(root: string): Promise<ICruiseResult> {
  const folders = ['packages', 'apps'].filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(
    folders,
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: rules() },
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '(^|/)(dist|\\.cache|fixtures)/|\\.as\\.ts$' },
      combinedDependencies: false,
      moduleSystems: ['es6'],
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['@keephold/source', 'import', 'node', 'default', 'types'],
        extensions: ['.ts', '.js', '.json'],
      },
    },
    {},
  );
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of modules');
  return output;
}
