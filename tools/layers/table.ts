/**
 * The import-direction table: which package may know which, where it runs and whose code it may lean on.
 * The TypeScript projects, the dependency-cruiser rules, the browser test project and the map in ARCHITECTURE.md are all
 * derived from it. It must never be loosened to make a change pass: move the code instead.
 */

export interface Layer {
  /** Folder below the workspace root. */
  readonly folder: string;
  /** Name in package.json. */
  readonly name: string;
  /** One line for the map. */
  readonly purpose: string;
  /** 'any' compiles without Node types and is tested in Chromium as well. */
  readonly runsOn: 'any' | 'node' | 'tests';
  /** Workspace packages (or named subpaths of them) it may import. */
  readonly imports: readonly string[];
  /** What only its Node part may import in addition (packages that run on any). */
  readonly nodeImports?: readonly string[];
  /** Regular expressions, relative to the folder, of the sources that are its Node part. */
  readonly nodePart?: readonly string[];
  /** Its exports have types that are inferred from schemas, so its declarations cannot be written file by file. */
  readonly inferredTypes?: true;
  /** Third-party packages it may name. */
  readonly thirdParty: readonly string[];
}

export const layers: readonly Layer[] = [
  {
    folder: 'packages/ffi',
    name: '@keephold/ffi',
    purpose: 'calls C functions of the running process; the only code that names koffi',
    runsOn: 'node',
    imports: [],
    thirdParty: ['koffi'],
  },
  {
    folder: 'packages/bytes',
    name: '@keephold/bytes',
    purpose: 'byte arrays, hex and base64url, varints, deterministic CBOR, size ladder',
    runsOn: 'any',
    imports: [],
    thirdParty: [],
  },
  {
    folder: 'packages/crypto',
    name: '@keephold/crypto',
    purpose: 'the only code that names a primitive; picks Node or browser once, by export condition',
    runsOn: 'any',
    imports: ['@keephold/bytes'],
    nodeImports: ['@keephold/ffi'],
    nodePart: ['src/node/'],
    thirdParty: [
      '@hpke/core',
      '@hpke/hybridkem-x-wing',
      '@noble/curves',
      '@noble/hashes',
      '@scure/bip39',
      '@serenity-kit/opaque',
      'hash-wasm',
      'otpauth',
    ],
  },
  {
    folder: 'packages/protocol',
    name: '@keephold/protocol',
    purpose: 'the Custody seam, its errors, its form in HTTP, and the codecs that both sides read',
    runsOn: 'any',
    imports: ['@keephold/bytes'],
    inferredTypes: true,
    thirdParty: ['typebox'],
  },
  {
    folder: 'packages/vault',
    name: '@keephold/vault',
    purpose: 'key hierarchy: account root key, slots, keychain, device grants',
    runsOn: 'any',
    imports: ['@keephold/bytes', '@keephold/crypto', '@keephold/protocol'],
    thirdParty: [],
  },
  {
    folder: 'packages/engine',
    name: '@keephold/engine',
    purpose: 'format codecs, chunker, index, repository; backup, restore, check, retention',
    runsOn: 'any',
    imports: ['@keephold/bytes', '@keephold/crypto', '@keephold/protocol'],
    nodeImports: ['@keephold/crypto/bulk', '@keephold/ffi'],
    nodePart: ['src/node/'],
    thirdParty: [],
  },
  {
    folder: 'packages/backend',
    name: '@keephold/backend',
    purpose: 'the Backend seam: named immutable objects; folder, S3 bucket, wrappers; the only code that speaks S3',
    runsOn: 'node',
    imports: ['@keephold/bytes', '@keephold/crypto/verify'],
    thirdParty: ['aws4fetch'],
  },
  {
    folder: 'packages/custody',
    name: '@keephold/custody',
    purpose: 'the Custody seam over a Backend and a ledger; holds ciphertext only; the only code that talks SQL',
    runsOn: 'node',
    imports: ['@keephold/backend', '@keephold/bytes', '@keephold/crypto/verify', '@keephold/protocol'],
    thirdParty: ['@digitaldefiance/reed-solomon-erasure.wasm', 'pg'],
  },
  {
    folder: 'packages/server',
    name: '@keephold/server',
    purpose: 'accounts and the Custody seam over HTTP: who may do what, routes, limits; holds ciphertext only',
    runsOn: 'node',
    imports: [
      '@keephold/accounts',
      '@keephold/accounts/notices',
      '@keephold/bytes',
      '@keephold/crypto/verify',
      '@keephold/custody',
      '@keephold/protocol',
      '@keephold/protocol/http',
    ],
    thirdParty: ['fastify', 'nodemailer', 'prom-client'],
  },
  {
    folder: 'packages/client',
    name: '@keephold/client',
    purpose: 'accounts and the Custody seam as a client of a server: sign-in, proofs, retries, time limits',
    runsOn: 'any',
    imports: [
      '@keephold/bytes',
      '@keephold/crypto',
      '@keephold/crypto/opaque',
      '@keephold/protocol',
      '@keephold/protocol/http',
    ],
    thirdParty: [],
  },
  {
    folder: 'packages/accounts',
    name: '@keephold/accounts',
    purpose: 'accounts as a server keeps them: names, password records, recovery keys, invitations, limits, audit log',
    runsOn: 'node',
    imports: ['@keephold/bytes', '@keephold/crypto/verify', '@keephold/custody/sql', '@keephold/protocol'],
    thirdParty: [],
  },
  {
    folder: 'packages/source-files',
    name: '@keephold/source-files',
    purpose: 'walks and captures files with their metadata, and writes them back',
    runsOn: 'node',
    imports: ['@keephold/bytes', '@keephold/engine', '@keephold/engine/node', '@keephold/ffi'],
    thirdParty: [],
  },
  {
    folder: 'packages/drill',
    name: '@keephold/drill',
    purpose: 'restore drills: draws a sample, opens databases, images, archives and PDFs, remembers how it went',
    runsOn: 'node',
    imports: ['@keephold/bytes', '@keephold/crypto/verify'],
    thirdParty: ['@imagemagick/magick-wasm'],
  },
  {
    folder: 'packages/conditions',
    name: '@keephold/conditions',
    purpose:
      'what the machine says of power, network and use, what a plan asks of it, notices; the only code that talks D-Bus',
    runsOn: 'node',
    imports: [],
    thirdParty: ['dbus-native'],
  },
  {
    folder: 'packages/agent',
    name: '@keephold/agent',
    purpose: 'when a plan is due, what keeps it from running and what is told of it; the process that runs it',
    runsOn: 'node',
    imports: ['@keephold/conditions', '@keephold/ffi'],
    thirdParty: [],
  },
  {
    folder: 'packages/testkit',
    name: '@keephold/testkit',
    purpose: 'fakes, fault injection, vectors and conformance suites; imported by tests only',
    runsOn: 'tests',
    imports: ['@keephold/backend', '@keephold/bytes', '@keephold/protocol'],
    thirdParty: ['dbus-native'],
  },
  {
    folder: 'apps/keephold',
    name: 'keephold',
    purpose: 'the command: parse, call, print, exit code; the only code that reads the environment',
    runsOn: 'node',
    imports: [
      '@keephold/accounts',
      '@keephold/accounts/notices',
      '@keephold/agent',
      '@keephold/backend',
      '@keephold/bytes',
      '@keephold/client',
      '@keephold/client/address',
      '@keephold/conditions',
      '@keephold/crypto',
      '@keephold/crypto/opaque',
      '@keephold/crypto/totp',
      '@keephold/custody',
      '@keephold/custody/sql',
      '@keephold/drill',
      '@keephold/engine',
      '@keephold/engine/node',
      '@keephold/ffi',
      '@keephold/protocol',
      '@keephold/server',
      '@keephold/source-files',
      '@keephold/vault',
    ],
    thirdParty: ['uqr'],
  },
];

/** Tests may use these besides what their package may import; they are development dependencies of the root. */
export const testLibraries: readonly string[] = ['vitest', 'fast-check', 'cborg', '@noble/post-quantum', 'smtp-server'];

/** What tests and test helpers are called, relative to the workspace root. */
export const testFiles = '(\\.test\\.ts$|/tests/|/_[^/]+\\.ts$)';

/** The sources that `crypto/verify` may consist of, on any platform: nothing here takes or makes a secret. */
export const keylessCrypto: readonly string[] = [
  'verify\\.ts',
  'verify-strict\\.ts',
  'errors\\.ts',
  '(primitives|node|browser)/(sha256|ed25519-verify)\\.ts',
];

/** Folder names that invite everything and explain nothing. */
export const drawerNames: readonly string[] = ['common', 'utils', 'util', 'shared', 'helpers', 'misc'];

/** The name of the package or package subpath, split: '@keephold/crypto/verify' → ['@keephold/crypto', 'verify']. */
export function splitSpecifier(specifier: string): readonly [name: string, subpath: string] {
  const parts = specifier.split('/');
  const length = specifier.startsWith('@') ? 2 : 1;
  return [parts.slice(0, length).join('/'), parts.slice(length).join('/')];
}

export function layerNamed(name: string): Layer {
  const found = layers.find((layer) => layer.name === name);
  if (found === undefined) throw new Error(`no layer is called ${name}: add it to tools/layers/table.ts`);
  return found;
}
