import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { RECORD_PLACE } from '../backup/file-results.ts';
import { compareWalkOrder } from './record-format.ts';
import { resolvePlaces } from './resolve-places.ts';
import { TreeCacheReader } from './tree-cache-reader.ts';
import { encodeDirectory, TreeCacheWriter } from './tree-cache-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-tree-cache-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Paths of a tree in the order of a walk: children by name bytes, a directory after what is in it. */
function walkOrder(paths: ReadonlySet<string>, at = ''): string[] {
  const names = new Set(
    [...paths].filter((path) => path.startsWith(`${at}/`)).map((path) => path.slice(at.length + 1).split('/')[0]!),
  );
  const below = [...names].sort((a, b) => (a < b ? -1 : 1)).flatMap((name) => walkOrder(paths, `${at}/${name}`));
  return [...below, at];
}

const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '!', '0', '\xff'), minLength: 1, maxLength: 3 });
const tree = fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 12 });

describe('tree cache', () => {
  it('orders paths as the walk visits them', () => {
    fc.assert(
      fc.property(tree, (parts) => {
        const paths = new Set(parts.map((components) => `/${components.join('/')}`));
        const order = walkOrder(paths);
        for (let i = 1; i < order.length; i++)
          expect(compareWalkOrder(bytes(order[i - 1]!), bytes(order[i]!))).toBeLessThan(0);
      }),
    );
  });

  it('finds each directory that is still there while others come and go', () => {
    fc.assert(
      fc.property(tree, tree, (before, now) => {
        const paths = (parts: string[][]): string[] => walkOrder(new Set(parts.map((c) => `/${c.join('/')}`)));
        const file = join(folder, 'cache');
        const writer = new TreeCacheWriter(file);
        for (const path of paths(before)) writer.append(resolvePlaces(encodeDirectory(directory(path)), (n) => n));
        writer.close();
        const reader = new TreeCacheReader(file, 0, writer.length);
        const old = new Set(paths(before));
        for (const path of paths(now)) {
          const found = reader.seek(bytes(path));
          expect(found === undefined ? undefined : Buffer.from(found.path).toString('latin1')).toBe(
            old.has(path) ? path : undefined,
          );
          if (found !== undefined) {
            const entries = found.entries();
            expect(entries.compareName(`of ${path}`)).toBe(0);
            expect(Buffer.from(entries.node).toString('latin1')).toBe(`node ${path}`);
            reader.pass();
          }
        }
        reader.close();
      }),
      { numRuns: 60 },
    );
  });

  it('turns record numbers into packs and drops repetitions', () => {
    const record = encodeDirectory(directory('/x', [RECORD_PLACE + 7, RECORD_PLACE + 8, 3, RECORD_PLACE + 9]));
    const resolved = resolvePlaces(record, (n) => (n < 9 ? 3 : 5));
    const file = join(folder, 'resolved');
    const writer = new TreeCacheWriter(file);
    writer.append(resolved);
    writer.close();
    const found = new TreeCacheReader(file, 0, resolved.length).seek(bytes('/x'))!;
    expect(Array.from(found.entries().places)).toEqual([3, 5]);
    expect(Buffer.from(found.entries().node).toString()).toBe('node /x');
    expect([...found.places]).toEqual([1]);
  });
});

function directory(path: string, places: number[] = []) {
  return {
    path: bytes(path),
    subtree: { id: new Uint8Array(32).fill(path.length), kind: 2, bytes: 10 },
    places: [1],
    entries: [
      {
        name: `of ${path}`,
        stats: new Uint32Array(26).fill(9),
        row: 0,
        volatile: false,
        node: bytes(`node ${path}`),
        places,
      },
    ],
  };
}
