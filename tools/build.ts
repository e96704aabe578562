/**
 * `npm run build [-- FOLDER [SOURCE…]]`: bundles the command into apps/keephold/dist, which is what is published, or into
 * another folder, with more sources beside it, each named for its file without a leading `_`. Third-party code is inside,
 * except koffi, whose native part has to stay a file, and WebAssembly, which lies beside. Worker threads get a bundle
 * each, named for their source.
 */
import { copyFileSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { type InputOptions, type OutputAsset, type OutputChunk, type OutputOptions, rolldown } from 'rolldown';
import { root } from './run.ts';

const app = join(root, 'apps/keephold');
const [, , folder = join(app, 'dist'), ...more] = process.argv;
const dist = resolve(folder);

/**
 * Entry name → source. All land in one folder, so that `new URL('./x-worker.js', import.meta.url)` finds its worker. A
 * bundle for each: what entries shared would hold the whole program, and a thread would load all of it to start.
 */
function entries(): ReadonlyMap<string, string> {
  const workers = globSync('src/*-worker.ts', { cwd: app });
  return new Map([
    ['keephold', join(app, 'src/keephold.ts')],
    ...workers.map((path) => [basename(path, '.ts'), join(app, path)] as const),
    ...more.map((path) => [basename(path, '.ts').replace(/^_/, ''), resolve(path)] as const),
  ]);
}

const input: InputOptions = {
  platform: 'node',
  // The last two are looked for by pg where they are wanted, and never are here.
  external: [/^node:/, 'koffi', 'pg-native', 'pg-cloudflare'],
  // Without 'import' and 'require': each is added where code imports or requires, and pg does both.
  resolve: { conditionNames: ['@keephold/source', 'node', 'default'] },
  onLog(level, log, next) {
    if (level === 'warn') throw new Error(`rolldown: ${log.message}`);
    next(level, log);
  },
};

/**
 * What most verbs load goes into one file: each file costs a start about a third of a millisecond. With all that it
 * imports, as the bundler does unless told otherwise, so that it waits for no other file that waits for it.
 */
const everyday = { name: 'everyday', minShareCount: 14 };

const output: OutputOptions = {
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  minify: false,
  codeSplitting: { groups: [everyday] },
};
/** WebAssembly that code finds beside the bundle: by whom, and whose. */
const beside = [
  // packages/custody/src/parity/reed-solomon.ts
  ['reed-solomon.wasm', 'packages/custody', '@digitaldefiance/reed-solomon-erasure.wasm/wasm'],
  // packages/drill/src/opening/image-decoder.ts
  ['magick.wasm', 'packages/drill', '@imagemagick/magick-wasm/magick.wasm'],
] as const;

async function bundled(name: string, source: string): Promise<readonly (OutputChunk | OutputAsset)[]> {
  await using bundle = await rolldown({ ...input, input: { [name]: source } });
  return (await bundle.generate(output)).output;
}

// Everything is bundled before anything is replaced: a build that fails leaves the last good one.
const files = await Promise.all([...entries()].map(async ([name, source]) => await bundled(name, source)));
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [name, owner, specifier] of beside)
  copyFileSync(createRequire(join(root, owner, 'package.json')).resolve(specifier), join(dist, name));
for (const file of files.flat()) {
  const content = file.type === 'chunk' ? file.code : file.source;
  writeFileSync(join(dist, file.fileName), content);
  console.log(`${file.fileName}  ${Buffer.byteLength(content)} bytes`);
}
