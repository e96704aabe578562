/**
 * Writes the TypeScript projects of every package from the layer table and its package.json, so that project references
 * are exactly the workspace dependencies. `--check` only compares. It must never be edited around: the files it writes
 * are overwritten.
 */
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Layer, layerNamed, layers, splitSpecifier } from './layers/table.ts';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
interface Project {
  readonly file: string;
  readonly json: unknown;
}

const root = join(import.meta.dirname, '..');
const tests = ['src/**/*.test.ts', 'src/**/_*.ts'];

function manifestOf(layer: Layer): Manifest {
  return JSON.parse(readFileSync(join(root, layer.folder, 'package.json'), 'utf8')) as Manifest;
}

function workspaceNames(dependencies: Manifest['dependencies']): string[] {
  return Object.keys(dependencies ?? {})
    .filter((name) => layers.some((layer) => layer.name === name))
    .sort();
}

/** The projects that hold the sources of a package: its portable part and, where it has one, its Node part. */
function sourceProjects(layer: Layer): string[] {
  const portable = join(layer.folder, 'tsconfig.src.json');
  return layer.nodePart === undefined ? [portable] : [portable, join(layer.folder, 'tsconfig.node.json')];
}

function isApp(layer: Layer): boolean {
  return layer.folder.startsWith('apps/');
}

function references(layer: Layer, targets: readonly string[]): { readonly path: string }[] {
  return targets.map((target) => {
    const path = relative(layer.folder, target);
    return { path: path.startsWith('.') ? path : `./${path}` };
  });
}

function projectsOf(layer: Layer): Project[] {
  const manifest = manifestOf(layer);
  if (manifest.name !== layer.name) throw new Error(`${layer.folder} is called ${manifest.name}, not ${layer.name}`);
  const runtime = workspaceNames(manifest.dependencies);
  const isNode = layer.runsOn !== 'any';
  const nodeGlobs = (layer.nodePart ?? []).map((part) =>
    part.endsWith('/') ? `${part}**/*` : part.replaceAll('\\', '').replace(/\$$/, ''),
  );
  const portableTargets = runtime
    .filter((name) => isNode || allowed(layer.imports, name))
    .flatMap((name) => sourceProjects(layerNamed(name)));
  // What an app ships is bundled by tools/build.ts; its dist folder belongs to the bundler.
  const output = isApp(layer)
    ? { rootDir: 'src', outDir: '.cache/types', emitDeclarationOnly: true, isolatedDeclarations: false }
    : { rootDir: 'src', outDir: 'dist', ...(layer.inferredTypes && { isolatedDeclarations: false }) };
  const file = (kind: string): string => join(layer.folder, `tsconfig${kind}.json`);
  const sources = {
    extends: '../../tsconfig.base.json',
    compilerOptions: isNode ? { ...output, types: ['node'] } : { ...output, lib: browserLibrary },
    include: ['src'],
    exclude: [...tests, ...nodeGlobs],
    references: references(layer, portableTargets),
  };
  const all: Project[] = [
    { file: file('.src'), json: sources },
    { file: file('.test'), json: testProject(layer, manifest) },
  ];
  if (layer.nodePart !== undefined) all.push({ file: file('.node'), json: nodeProject(layer, runtime, nodeGlobs) });
  const own = [...sourceProjects(layer), file('.test')];
  return [...all, { file: file(''), json: { files: [], references: references(layer, own) } }];
}

const browserLibrary: readonly string[] = ['ES2024', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'];

function allowed(imports: readonly string[], name: string): boolean {
  return imports.some((specifier) => splitSpecifier(specifier)[0] === name);
}

function nodeProject(layer: Layer, runtime: readonly string[], nodeGlobs: readonly string[]): unknown {
  const targets = runtime.flatMap((name) => sourceProjects(layerNamed(name)));
  return {
    extends: '../../tsconfig.base.json',
    compilerOptions: { rootDir: 'src', outDir: 'dist', lib: browserLibrary, types: ['node'] },
    include: nodeGlobs,
    exclude: tests,
    references: references(layer, [join(layer.folder, 'tsconfig.src.json'), ...targets]),
  };
}

/** Tests run under Node even where the package does not need it, so they see both libraries; Chromium is the judge. */
function testProject(layer: Layer, manifest: Manifest): unknown {
  const names = [...workspaceNames(manifest.dependencies), ...workspaceNames(manifest.devDependencies)];
  const targets = [layer, ...names.map(layerNamed)].flatMap(sourceProjects);
  return {
    extends: '../../tsconfig.base.json',
    compilerOptions: {
      rootDir: '../..',
      outDir: isApp(layer) ? '.cache/tests' : 'dist/tests',
      emitDeclarationOnly: true,
      isolatedDeclarations: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      lib: browserLibrary,
      types: ['node'],
    },
    include: [...tests, 'tests', '../../vectors/*.json'],
    exclude: ['**/node_modules', 'tests/fixtures'],
    references: references(layer, targets),
  };
}

function solution(): Project {
  const paths = [...layers.map((layer) => ({ path: `./${layer.folder}` })), { path: './tsconfig.tools.json' }];
  return { file: 'tsconfig.json', json: { files: [], references: paths } };
}

/** The compiler may keep what it found under the old options, so what it remembers of the package goes too. */
function writeProject({ file, json }: Project): void {
  writeFileSync(join(root, file), `${JSON.stringify(json, null, 2)}\n`);
  const remembered = globSync('{,dist/,.cache/}**/*.tsbuildinfo', {
    cwd: join(root, dirname(file)),
    exclude: (path) => path.includes('node_modules'),
  });
  for (const path of remembered) rmSync(join(root, dirname(file), path), { force: true });
}

function main(): void {
  const check = process.argv.includes('--check');
  const projects = [...layers.flatMap(projectsOf), solution()];
  const strays = globSync('{packages,apps}/*/tsconfig*.json', { cwd: root }).filter(
    (file) => !projects.some((project) => project.file === file),
  );
  const unlisted = globSync('{packages,apps}/*/package.json', { cwd: root }).filter(
    (file) => !layers.some((layer) => join(layer.folder, 'package.json') === file),
  );
  const stale = projects.filter(({ file, json }) => {
    const path = join(root, file);
    return !existsSync(path) || JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))) !== JSON.stringify(json);
  });
  if (!check) for (const project of stale) writeProject(project);
  const problems = [
    ...strays.map((file) => `${file}: not one of the generated projects`),
    ...unlisted.map((file) => `${file}: its package is missing in tools/layers/table.ts`),
    ...(check ? stale.map(({ file }) => `${file}: stale, run npm run projects`) : []),
  ];
  for (const problem of problems) console.error(problem);
  console.log(`projects: ${projects.length} projects, ${check ? 'stale' : 'written'} ${stale.length}`);
  if (problems.length > 0) process.exitCode = 1;
}

main();
