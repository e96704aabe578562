/**
 * `npm run layers`: checks the import-direction table against every import of the project, types included, and the map
 * in ARCHITECTURE.md against the table.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { disallowedDependencies } from './declared.ts';
import { judge, notSources, type Problem } from './judge.ts';
import { mapIsCurrent } from './map.ts';
import { drawerNames } from './table.ts';

const root = join(import.meta.dirname, '..', '..');

function drawers(): Problem[] {
  const reason = 'a name that says nothing collects everything: name it for what it holds';
  return globSync(`{packages,apps,tools}/**/{${drawerNames.join(',')}}{,.ts}`, { cwd: root })
    .filter((path) => !notSources.test(`${path}/`))
    .map((what) => ({ rule: 'no drawer', reason, what }));
}

function staleMap(): Problem[] {
  const write = process.argv.includes('--write-map');
  if (mapIsCurrent(join(root, 'ARCHITECTURE.md'), { write })) return [];
  return [{ rule: 'map', reason: 'run npm run layers:map', what: 'ARCHITECTURE.md does not show the table as it is' }];
}

const { problems, modules, imports } = await judge(root);
const all = [...problems, ...disallowedDependencies(root), ...drawers(), ...staleMap()];
const texts = new Set(all.map(({ rule, reason, what }) => `${rule}: ${what}\n    ${reason}`));
for (const text of texts) console.error(text);
console.log(`layers: ${modules} modules, ${imports} imports, ${texts.size} problems`);
if (texts.size > 0 || modules === 0) process.exitCode = 1;
