/** Prints the layer table as the map in ARCHITECTURE.md. It must never describe what the table does not say. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Layer, layers } from './table.ts';

const begin = '<!-- map: written by npm run layers:map -->';
const end = '<!-- end of map -->';

const short = (name: string): string => name.replace('@keephold/', '');

function row(layer: Layer): string {
  const node = layer.nodeImports?.map((name) => `${short(name)} (Node part)`) ?? [];
  const imports = [...layer.imports.map(short), ...node].join(', ') || '–';
  const runsOn = layer.nodePart === undefined ? layer.runsOn : `${layer.runsOn}, with a Node part`;
  const libraries = layer.thirdParty.map((name) => `\`${name}\``).join(', ') || '–';
  return `| \`${layer.folder}\` | ${layer.purpose} | ${runsOn} | ${imports} | ${libraries} |`;
}

export function renderMap(): string {
  const head = '| folder | what it is for | runs on | may import | may name |\n|---|---|---|---|---|';
  return [begin, head, ...layers.map(row), end].join('\n');
}

/** The document with its map brought up to date; throws when it has no place for one. */
function withMap(text: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`ARCHITECTURE.md has no place for the map: ${begin} … ${end}`);
  return text.slice(0, from) + renderMap() + text.slice(to + end.length);
}

/** True when the map in the document is the one the table gives; with `write` it is brought up to date first. */
export function mapIsCurrent(path: string, options: { readonly write: boolean }): boolean {
  const text = readFileSync(path, 'utf8');
  const expected = withMap(text);
  if (options.write && expected !== text) writeFileSync(path, expected);
  return options.write || expected === text;
}
