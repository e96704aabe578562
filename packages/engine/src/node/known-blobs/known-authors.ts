/**
 * Of which other devices the known blobs beside it are, too: file `known-authors`, the hex ids in order, one a line; no
 * file: of none. Written after the cache was emptied and before anything of them is entered, so it never says too little.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import type { DedupAuthor } from '@keephold/protocol';

/** Whether the cache in `folder` covers these authors and no others. */
export function isKnownOf(folder: string, authors: readonly DedupAuthor[]): boolean {
  return readAuthors(folder) === listOf(authors);
}

/** The cache is empty. */
export function writeKnownAuthors(folder: string, authors: readonly DedupAuthor[]): void {
  if (authors.length === 0) rmSync(authorsPath(folder), { force: true });
  else writeFileSync(authorsPath(folder), listOf(authors), { mode: 0o600 });
}

function readAuthors(folder: string): string {
  try {
    return readFileSync(authorsPath(folder), 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function listOf(authors: readonly DedupAuthor[]): string {
  return authors
    .map(({ deviceId }) => `${toHex(deviceId)}\n`)
    .toSorted()
    .join('');
}

function authorsPath(folder: string): string {
  return join(folder, 'known-authors');
}
