#!/usr/bin/env node
/**
 * The program's entry. Compiled code is kept in the user's own cache folder, never in a shared temporary one where
 * others could put theirs; everything else is loaded after that.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { readEnvironment } from './environment.ts';

const environment = readEnvironment();
enableCompileCache(join(environment.folders.cache, 'compiled'));
const { main } = await import('./main.ts');
await main(environment);
