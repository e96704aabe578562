import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { judge } from './judge.ts';
import { layers } from './table.ts';

const projectRoot = join(import.meta.dirname, '..', '..');
const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A workspace with the project's real manifests and nothing else but the given files. */
function workspaceWith(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'keephold-layers-'));
  made.push(root);
  for (const { folder, name } of layers) {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, 'package.json'), readFileSync(join(projectRoot, folder, 'package.json')));
    mkdirSync(dirname(join(root, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, folder), join(root, 'node_modules', name));
  }
  writeFileSync(join(root, 'package.json'), readFileSync(join(projectRoot, 'package.json')));
  for (const library of ['kysely', 'koffi', '@noble/hashes']) {
    const folder = join(root, 'node_modules', library);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: library, version: '1.0.0', main: './index.js' }),
    );
    writeFileSync(join(folder, 'index.js'), 'export const a = 1;');
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

async function brokenRules(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { problems } = await judge(workspaceWith(files));
  return [...new Set(problems.map(({ rule }) => rule))].sort();
}

const leaf = 'export const a = 1;';
const from = (specifier: string): string => `import { a } from '${specifier}';\nexport const b = a;`;

test('imports that follow the table break nothing', async () => {
  const files = {
    'packages/bytes/src/index.ts': leaf,
    'packages/crypto/src/index.ts': from('@keephold/bytes'),
    'packages/crypto/src/verify.ts': from('@keephold/bytes'),
    'packages/custody/src/index.ts': from('@keephold/crypto/verify'),
    'packages/vault/src/index.ts': from('@keephold/crypto'),
  };
  expect(await brokenRules(files)).toEqual([]);
});

const breaches: readonly (readonly [name: string, rule: string, files: Readonly<Record<string, string>>])[] = [
  [
    'an upward import',
    'direction: packages/bytes',
    { 'packages/bytes/src/index.ts': from('@keephold/backend'), 'packages/backend/src/index.ts': leaf },
  ],
  [
    'an upward import of a type only',
    'direction: packages/bytes',
    {
      'packages/bytes/src/index.ts': "import type { A } from '@keephold/backend';\nexport type B = A;",
      'packages/backend/src/index.ts': 'export type A = 1;',
    },
  ],
  [
    'a deep import past the entry',
    'direction: packages/vault',
    { 'packages/vault/src/index.ts': from('../../bytes/src/hex.ts'), 'packages/bytes/src/hex.ts': leaf },
  ],
  [
    'the full crypto entry in custody',
    'keepers are blind: crypto',
    { 'packages/custody/src/index.ts': from('@keephold/crypto'), 'packages/crypto/src/index.ts': leaf },
  ],
  [
    'a key behind the key-less entry',
    'keepers are blind: crypto',
    {
      'packages/custody/src/index.ts': from('@keephold/crypto/verify'),
      'packages/crypto/src/verify.ts': from('./sealed-object.ts'),
      'packages/crypto/src/sealed-object.ts': leaf,
    },
  ],
  [
    'a vault reached through a package that may be imported',
    'keepers are blind: vault and engine',
    {
      'packages/backend/src/index.ts': from('@keephold/bytes'),
      'packages/bytes/src/index.ts': from('@keephold/vault'),
      'packages/vault/src/index.ts': leaf,
    },
  ],
  [
    'a cycle through types',
    'no cycle',
    {
      'packages/bytes/src/a.ts': "import type { B } from './b.ts';\nexport type A = B;",
      'packages/bytes/src/b.ts': "import type { A } from './a.ts';\nexport type B = A;",
    },
  ],
  [
    'a Node module in a portable package',
    'runs on any: packages/engine',
    { 'packages/engine/src/index.ts': "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;" },
  ],
  [
    'the Node part behind the portable entry',
    'Node part apart: packages/engine',
    { 'packages/engine/src/index.ts': from('./node/index.ts'), 'packages/engine/src/node/index.ts': leaf },
  ],
  [
    'a Node module behind a platform choice of the browser',
    'runs in a browser: packages/vault',
    {
      'packages/vault/src/index.ts': from('@keephold/crypto'),
      'packages/crypto/src/index.ts': from('#primitives/sha256'),
      'packages/crypto/src/primitives/sha256.ts': 'export declare const a: number;',
      'packages/crypto/src/node/sha256.ts': leaf,
      'packages/crypto/src/browser/sha256.ts':
        "import { createHash } from 'node:crypto';\nexport const a = createHash;",
    },
  ],
  [
    'a key behind a platform choice of the key-less entry',
    'keepers are blind: crypto',
    {
      'packages/custody/src/index.ts': from('@keephold/crypto/verify'),
      'packages/crypto/src/verify.ts': from('#primitives/sha256'),
      'packages/crypto/src/primitives/sha256.ts': 'export declare const a: number;',
      'packages/crypto/src/browser/sha256.ts': leaf,
      'packages/crypto/src/node/sha256.ts': from('./aes-gcm.ts'),
      'packages/crypto/src/node/aes-gcm.ts': leaf,
    },
  ],
  [
    'a primitive outside crypto',
    'third party: packages/vault',
    { 'packages/vault/src/index.ts': from('@noble/hashes') },
  ],
  ['koffi outside ffi', 'third party: packages/backend', { 'packages/backend/src/index.ts': from('koffi') }],
  ['SQL outside custody', 'third party: packages/backend', { 'packages/backend/src/index.ts': from('kysely') }],
  [
    'the embedded database outside custody',
    'only custody talks SQL',
    { 'apps/keephold/src/main.ts': "import { DatabaseSync } from 'node:sqlite';\nexport const a = DatabaseSync;" },
  ],
  ['an import that does not resolve', 'resolvable', { 'packages/bytes/src/index.ts': from('@keephold/not-there') }],
  [
    'fakes in shipped code',
    'testkit stays in tests',
    { 'apps/keephold/src/main.ts': from('@keephold/testkit'), 'packages/testkit/src/index.ts': leaf },
  ],
];

test.each(breaches)('%s breaks "%s"', async (_name, rule, files) => {
  expect(await brokenRules(files)).toContain(rule);
});

test('an import that the manifest does not declare is found, in tests too', async () => {
  const root = workspaceWith({
    'packages/bytes/src/index.ts': leaf,
    'packages/ffi/src/index.ts': from('@keephold/bytes'),
    'packages/ffi/src/a.test.ts': from('@keephold/bytes'),
    'packages/custody/src/index.ts': from('@keephold/bytes'),
  });
  const { problems } = await judge(root);
  const found = problems.filter(({ rule }) => rule === 'declared').map(({ what }) => what);
  expect([...new Set(found)].sort()).toEqual([
    'packages/ffi: it uses @keephold/bytes',
    'packages/ffi: tests use @keephold/bytes',
  ]);
});
