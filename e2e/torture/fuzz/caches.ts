/** The files in which a device keeps what it has seen: wrong ones may cost time, and must end no run. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTableHead, readTableHead } from '../../../packages/engine/src/node/known-blobs/known-table-file.ts';
import { resolvePlaces } from '../../../packages/engine/src/node/tree-cache/resolve-places.ts';
import {
  HEAD_BYTES,
  readTreeCacheHead,
  writeTreeCacheHead,
} from '../../../packages/engine/src/node/tree-cache/tree-cache-file.ts';
import { TreeCacheReader } from '../../../packages/engine/src/node/tree-cache/tree-cache-reader.ts';
import { encodeDirectory } from '../../../packages/engine/src/node/tree-cache/tree-cache-writer.ts';
import { type Decoder, reader } from './decoder.ts';

const scratch = mkdtempSync(join(tmpdir(), 'keephold-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const path = join(scratch, 'file');
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const filled = (length: number): Uint8Array => new Uint8Array(length).fill(7);

export const caches: readonly Decoder[] = [
  // Each reading takes a window of megabytes.
  { ...reader('tree-cache', [treeCache()], readTreeCache), share: 0.05 },
  reader('tree-cache-head', [treeCacheHead()], (input) => inFile(input, () => readTreeCacheHead(path))),
  reader('known-blobs-head', [knownHead()], (input) => inFile(input, readKnownHead)),
];

function inFile(input: Uint8Array, read: () => unknown): void {
  writeFileSync(path, input);
  read();
}

function readTreeCache(input: Uint8Array): void {
  writeFileSync(path, input);
  const cache = new TreeCacheReader(path, 0, input.length);
  for (const folder of ['/a', '/b']) {
    const found = cache.seek(bytes(folder));
    if (found === undefined) continue;
    for (const entries = found.entries(); !entries.done; entries.advance()) entries.node.slice();
    cache.pass();
  }
  cache.close();
}

function treeCache(): Uint8Array {
  const entry = {
    name: 'f',
    stats: new Uint32Array(26).fill(9),
    row: 0,
    volatile: false,
    node: bytes('node'),
    places: [1],
  };
  const records = ['/a', '/b'].map((folder) => {
    const subtree = { id: filled(32), kind: 2, bytes: 10 };
    return resolvePlaces(
      encodeDirectory({ path: bytes(folder), subtree, places: [1], entries: [entry, { ...entry, name: 'g' }] }),
      (n) => n,
    );
  });
  return Buffer.concat(records);
}

function treeCacheHead(): Uint8Array {
  const ids = {
    vaultId: filled(16),
    streamId: filled(16),
    rootTree: filled(32),
    refsetDigest: filled(32),
    numbering: filled(16),
  };
  writeFileSync(path, new Uint8Array(HEAD_BYTES));
  writeTreeCacheHead(path, { end: 300, commitSeq: 1, files: 2, bytes: 3, ...ids });
  return readFileSync(path);
}

function knownHead(): Uint8Array {
  const ids = { coveredHash: filled(32), numbering: filled(16), packsDigest: filled(32) };
  return encodeTableHead({ blocks: 1024, records: 1, packs: 1, coveredSeq: 1, ...ids });
}

function readKnownHead(): void {
  const file = openSync(path, 'r');
  try {
    readTableHead(file);
  } finally {
    closeSync(file);
  }
}
