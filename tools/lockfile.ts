/**
 * Completes package-lock.json with the optional packages of other platforms that the registry in use did not serve, so
 * that `npm ci` works for everyone: without an entry npm takes the file for stale, with one it skips foreign platforms.
 * `--check` only tells. It must never touch an entry that npm wrote.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.ts';

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
  readonly link?: boolean;
}
type Packages = Record<string, LockedPackage & Record<string, unknown>>;

const systems = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'aix'];
const processors: readonly (readonly [word: RegExp, cpu: string])[] = [
  [/arm64/, 'arm64'],
  [/arm/, 'arm'],
  [/x64/, 'x64'],
  [/ia32/, 'ia32'],
  [/ppc64/, 'ppc64'],
  [/riscv64/, 'riscv64'],
  [/s390x/, 's390x'],
  [/loong64/, 'loong64'],
  [/wasm32/, 'wasm32'],
];

/** What npm needs to know to skip the package; undefined when its name does not tell. */
function platformOf(name: string): Record<string, readonly string[]> | undefined {
  const system = systems.find((word) => name.includes(word));
  const cpu = processors.find(([word]) => word.test(name))?.[1];
  if (cpu === undefined || (system === undefined && cpu !== 'wasm32')) return undefined;
  const libc = name.endsWith('musl') ? ['musl'] : /-gnu(eabihf)?$/.test(name) ? ['glibc'] : undefined;
  return {
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc }),
    ...(system === undefined ? {} : { os: [system] }),
  };
}

/** Where npm would look for a package that the one at `from` asks for, nearest first. */
function placesFor(from: string, name: string): string[] {
  const folders = from.split(/(?:^|\/)node_modules\//).slice(1);
  const parents = folders.map((_, index) => folders.slice(0, index + 1).join('/node_modules/'));
  return [...parents.reverse().map((parent) => `node_modules/${parent}/node_modules/${name}`), `node_modules/${name}`];
}

/** The free place nearest to the top where nothing else is found first; undefined when the package is there already. */
function freePlace(packages: Packages, from: string, name: string, version: string): string | undefined {
  const places = placesFor(from, name);
  const found = places.findIndex((place) => place in packages);
  if (found < 0) return places.at(-1);
  // What stands there may be another version, which somebody else asked for.
  return packages[places[found] as string]?.version === version ? undefined : places[found - 1];
}

/** As npm writes entries, so that it leaves ours as they are. */
function withVersionFirst(version: string, rest: Readonly<Record<string, unknown>>): Packages[string] {
  return { version, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function missingEntries(packages: Packages): Packages {
  const missing: Packages = {};
  for (const [from, { optionalDependencies, dev }] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(optionalDependencies ?? {})) {
      const version = range.replace(/^[\^~]/, '');
      const platform = platformOf(name);
      const place = freePlace({ ...packages, ...missing }, from, name, version);
      if (place === undefined || platform === undefined) continue;
      missing[place] = withVersionFirst(version, { ...(dev === true ? { dev } : {}), optional: true, ...platform });
    }
  }
  return missing;
}

const path = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Packages };
const missing = missingEntries(lock.packages);
const foreign = Object.values(lock.packages).filter(({ resolved }) => resolved?.startsWith('http') === true);
const count = Object.keys(missing).length;
if (process.argv.includes('--check')) {
  if (count > 0)
    console.error(`package-lock.json: ${count} packages of other platforms are missing, run npm run lockfile`);
  if (foreign.length > 0) console.error('package-lock.json: it names a registry; see .npmrc');
  if (count + foreign.length > 0) process.exitCode = 1;
} else if (count > 0) {
  const merged = Object.entries({ ...lock.packages, ...missing });
  merged.sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(merged) }, null, 2)}\n`);
}
console.log(`lockfile: ${Object.keys(lock.packages).length} packages, ${count} were missing`);
