/**
 * `npm run build`: bundles the command into apps/keephold/dist, which is what is published. Third-party code is inside,
 * except koffi, whose native part has to stay a file. Worker threads get a bundle each, named for their source.
 */
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type InputOptions, type OutputOptions, rolldown } from 'rolldown';
import { root } from './run.ts';

const app = join(root, 'apps/keephold');
const dist = join(app, 'dist');

/** Entry name → source. All land in one folder, so that `new URL('./x-worker.js', import.meta.url)` finds its worker. */
function entries(): Record<string, string> {
  const workers = globSync('src/*-worker.ts', { cwd: app });
  const named = workers.map((path) => [basename(path, '.ts'), join(app, path)] as const);
  return { keephold: join(app, 'src/keephold.ts'), ...Object.fromEntries(named) };
}

const input: InputOptions = {
  input: entries(),
  platform: 'node',
  external: [/^node:/, 'koffi'],
  resolve: { conditionNames: ['@keephold/source', 'import', 'node', 'default'] },
  onLog(level, log, next) {
    if (level === 'warn') throw new Error(`rolldown: ${log.message}`);
    next(level, log);
  },
};

const output: OutputOptions = {
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  minify: false,
};

// Everything is bundled before anything is replaced: a build that fails leaves the last good one.
const bundle = await rolldown(input);
const { output: files } = await bundle.generate(output);
await bundle.close();
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const file of files) {
  const content = file.type === 'chunk' ? file.code : file.source;
  writeFileSync(join(dist, file.fileName), content);
  console.log(`${file.fileName}  ${Buffer.byteLength(content)} bytes`);
}
