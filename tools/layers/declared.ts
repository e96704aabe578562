/**
 * Compares what packages import of each other with what their manifests declare. Workspace links let an undeclared
 * import resolve here; npm would not install it elsewhere. Must never read more than manifests.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import type { Problem } from './judge.ts';
import { type Layer, layers, testFiles } from './table.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(root: string, layer: Layer): Manifest {
  return JSON.parse(readFileSync(join(root, layer.folder, 'package.json'), 'utf8')) as Manifest;
}

const layerOf = (path: string): Layer | undefined => layers.find(({ folder }) => path.startsWith(`${folder}/`));

/** Imports of workspace packages that the importing package's manifest does not name. */
export function undeclaredImports(root: string, { modules }: ICruiseResult): Problem[] {
  const undeclared = new Set<string>();
  for (const { source, dependencies } of modules) {
    const layer = layerOf(source);
    if (layer === undefined) continue;
    const manifest = manifestOf(root, layer);
    const isTest = new RegExp(testFiles).test(source);
    const declared = { ...manifest.dependencies, ...(isTest ? manifest.devDependencies : {}) };
    for (const { resolved } of dependencies) {
      const target = layerOf(resolved);
      if (target === undefined || target === layer || target.name in declared) continue;
      undeclared.add(`${layer.folder}: ${isTest ? 'tests use' : 'it uses'} ${target.name}`);
    }
  }
  const reason = 'workspace links resolve it here, npm would not install it elsewhere: declare it in package.json';
  return [...undeclared].map((what) => ({ rule: 'declared', reason, what }));
}

/** What a manifest declares must be what the table allows, so that npm, TypeScript and this check agree. */
export function disallowedDependencies(root: string): Problem[] {
  return layers.flatMap((layer) => {
    const allowed = [...layer.imports, ...(layer.nodeImports ?? []), ...layer.thirdParty];
    return Object.keys(manifestOf(root, layer).dependencies ?? {})
      .filter((name) => !allowed.some((entry) => entry === name || entry.startsWith(`${name}/`)))
      .map((name) => ({
        rule: 'allowed',
        reason: 'see tools/layers/table.ts',
        what: `${layer.folder} depends on ${name}`,
      }));
  });
}
