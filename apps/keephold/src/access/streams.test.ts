import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { streamOf } from './streams.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-streams-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const device = new Uint8Array(16).fill(1);
const path = (text: string) => new TextEncoder().encode(text);

test('the same paths are the same stream, in any order', () => {
  const first = streamOf(folder, device, [path('/a'), path('/b')]);
  expect(streamOf(folder, device, [path('/b'), path('/a')])).toEqual(first);
  expect(streamOf(folder, device, [path('/a')])).not.toEqual(first);
  expect(streamOf(folder, new Uint8Array(16).fill(2), [path('/a'), path('/b')])).not.toEqual(first);
});

test('a damaged list is forgotten, not believed', () => {
  for (const content of ['', '{', 'null', '{"x":"../../y"}']) {
    writeFileSync(join(folder, 'streams.99'), content, { mode: 0o600 });
    expect(streamOf(folder, device, [path('/a')])).toHaveLength(16);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  }
});
