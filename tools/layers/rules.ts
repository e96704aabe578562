/**
 * Turns the layer table into dependency-cruiser rules. Each rule carries its reason, so that breaking it teaches.
 * It must never contain a rule that the table or the invariants of ARCHITECTURE.md do not ask for.
 */
import type { IForbiddenRuleType } from 'dependency-cruiser';
import { type Layer, layerNamed, layers, splitSpecifier, testFiles, testLibraries } from './table.ts';

/** Tests, their helpers and testkit may look at anything that is declared. */
export const testCode = `(${testFiles}|^packages/testkit/)`;

const escape = (text: string): string => text.replace(/[.+/-]/g, '\\$&');

/** Files of the package that its Node part consists of; matches nothing where it has none. */
export function nodePartPattern(layer: Layer): string {
  return (layer.nodePart ?? ['(?!)']).map((part) => `^${layer.folder}/${part}`).join('|');
}

/** The entry files behind an import specifier: the whole of `.` unless a subpath is named. */
function entryPattern(specifier: string): string {
  const [name, subpath] = splitSpecifier(specifier);
  const { folder } = layerNamed(name);
  if (subpath === '') return `^${folder}/src/index\\.ts$`;
  return `^${folder}/src/(${escape(subpath)}|${escape(subpath)}/index|node/${escape(subpath)})\\.ts$`;
}

/** Third-party code arrives at a path below node_modules, hoisted or not. */
function libraryPattern(names: readonly string[]): string {
  return names.length === 0 ? '(?!)' : `node_modules/(${names.map(escape).join('|')})/`;
}

function directionRule(layer: Layer, part: 'portable' | 'node'): IForbiddenRuleType {
  const node = nodePartPattern(layer);
  const imports = part === 'node' ? [...layer.imports, ...(layer.nodeImports ?? [])] : layer.imports;
  const from =
    part === 'node' ? { path: node, pathNot: testCode } : { path: `^${layer.folder}/`, pathNot: `${testCode}|${node}` };
  return {
    name: `direction: ${layer.folder}${part === 'node' ? ' (Node part)' : ''}`,
    comment: `it may import ${imports.join(', ') || 'no other package'}, each through its entry; see tools/layers/table.ts`,
    severity: 'error',
    from,
    to: { path: '^(packages|apps)/', pathNot: [`^${layer.folder}/`, ...imports.map(entryPattern)].join('|') },
  };
}

function libraryRule(layer: Layer): IForbiddenRuleType {
  return {
    name: `third party: ${layer.folder}`,
    comment: `it may name ${layer.thirdParty.join(', ') || 'no library'}; primitives belong to crypto, koffi to ffi, SQL to custody`,
    severity: 'error',
    from: { path: `^${layer.folder}/`, pathNot: testFiles },
    to: {
      path: 'node_modules/',
      pathNot: libraryPattern(layer.runsOn === 'tests' ? [...layer.thirdParty, ...testLibraries] : layer.thirdParty),
    },
  };
}

function portableRule(layer: Layer): IForbiddenRuleType {
  return {
    name: `runs on any: ${layer.folder}`,
    comment: 'what says it runs on any names no Node module outside its Node part',
    severity: 'error',
    from: { path: `^${layer.folder}/`, pathNot: `${testFiles}|${nodePartPattern(layer)}` },
    to: { dependencyTypes: ['core'] },
  };
}

function nodePartRule(layer: Layer): IForbiddenRuleType {
  const node = nodePartPattern(layer);
  return {
    name: `Node part apart: ${layer.folder}`,
    comment: 'the portable part would not run in a browser if it reached the Node part',
    severity: 'error',
    from: { path: `^${layer.folder}/`, pathNot: `${testFiles}|${node}` },
    to: { path: node },
  };
}

const sqlRule: IForbiddenRuleType = {
  name: 'only custody talks SQL',
  comment: 'every statement lives in one folder, so that it can run on two dialects',
  severity: 'error',
  // The cache lock takes SQLite's lock on an empty file, the one that ends with its process everywhere: no statement.
  // A drill and what copies users' databases ask SQLite about data that is not ours: there is no other dialect.
  from: {
    path: '^(packages|apps)/',
    pathNot: [
      '^packages/custody/',
      '^packages/engine/src/node/backup/cache-lock.ts$',
      '^packages/drill/src/opening/sqlite.ts$',
      '^packages/source-files/src/databases/copy-database.ts$',
      testFiles,
    ].join('|'),
  },
  to: { path: '^(node:)?sqlite$', dependencyTypes: ['core'] },
};

/** Tests name their libraries freely, but only what the root or the package declares. */
const testLibraryRule: IForbiddenRuleType = {
  name: 'tests: declared libraries',
  comment: `tests may name ${testLibraries.join(', ')} and what the packages themselves may name`,
  severity: 'error',
  from: { path: `^(packages|apps)/.*${testFiles}` },
  to: {
    path: 'node_modules/',
    pathNot: libraryPattern([...testLibraries, ...layers.flatMap((layer) => layer.thirdParty)]),
  },
};

const cycleRule: IForbiddenRuleType = {
  name: 'no cycle',
  comment: 'whatever goes round cannot be understood, tested or moved alone',
  severity: 'error',
  from: {},
  to: { circular: true },
};

const generalRules: readonly IForbiddenRuleType[] = [
  sqlRule,
  testLibraryRule,
  cycleRule,
  {
    name: 'testkit stays in tests',
    comment: 'fakes have no place in what users run',
    severity: 'error',
    from: { path: '^(packages|apps)/', pathNot: testCode },
    to: { path: '^packages/testkit/' },
  },
  {
    name: 'nothing imports tests',
    comment: 'tests and their helpers are not shipped',
    severity: 'error',
    from: { path: '^(packages|apps)/', pathNot: testCode },
    to: { path: `^(packages|apps)/.*${testFiles}` },
  },
  {
    name: 'declared',
    comment: 'hoisting lets undeclared packages resolve here and fail elsewhere: declare them',
    severity: 'error',
    from: { path: '^(packages|apps)/', pathNot: testFiles },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
];

/** Every rule about single imports that the table and the invariants ask for. What can be reached is in reach.ts. */
export function rules(): IForbiddenRuleType[] {
  const portable = layers.filter((layer) => layer.runsOn === 'any');
  const shipped = layers.filter((layer) => layer.runsOn !== 'tests');
  return [
    ...shipped.map((layer) => directionRule(layer, 'portable')),
    ...shipped.filter((layer) => layer.nodePart !== undefined).map((layer) => directionRule(layer, 'node')),
    ...layers.map(libraryRule),
    ...portable.map(portableRule),
    ...portable.map(nodePartRule),
    ...generalRules,
  ];
}
