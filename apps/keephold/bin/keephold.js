#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
/** Starts the built command: checks the Node version and keeps compiled code in the user's cache, so that it starts fast. */
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const neededMajor = 24;
const major = Number(process.versions.node.split('.', 1)[0]);
if (major < neededMajor) {
  console.error(`keephold needs Node ${neededMajor} or newer; this is ${process.versions.node}`);
  process.exit(1);
}

function cacheHome() {
  const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return LOCALAPPDATA ?? join(homedir(), '.cache');
}

// Worker threads find the cache by the variable. A folder that cannot be written only costs the speed.
process.env.NODE_COMPILE_CACHE ??= join(cacheHome(), 'keephold', 'compiled');
enableCompileCache(process.env.NODE_COMPILE_CACHE);

const built = new URL('../dist/keephold.js', import.meta.url);
if (!existsSync(built)) {
  console.error('keephold is not built: run npm run build');
  process.exit(1);
}
await import(built.href);
