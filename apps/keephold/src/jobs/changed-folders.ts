/**
 * What changed since a snapshot, from a file (docs/changed-folders.md), and what it counts for: a run that is told what
 * changed looks at nothing else. What cannot be understood or believed costs a look at everything and never a file.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fromHex, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import type { ChangedFolders, JournalOptions } from '@keephold/engine/node';
import { asObjectName } from '@keephold/protocol';
import { type ExcluderConfig, type ToldChanges, watchableRoots } from '@keephold/source-files';
import { bytesFromRawText, rawTextFromBytes } from '../command-line/raw-text.ts';
import type { Context } from '../context.ts';
import type { SnapshotUse } from './take-snapshots.ts';

const VERSION = 1;

export interface JournalSource {
  readonly request: {
    readonly changedFolders?: string | undefined;
    readonly excludes: Omit<ExcluderConfig, 'roots'>;
    readonly oneFileSystem: boolean;
    readonly fileSystemSnapshots: SnapshotUse;
  };
  /** Absolute, raw bytes, the root of the file system empty. */
  readonly roots: readonly Uint8Array[];
  /** Folders of Keephold's own in them. */
  readonly own: readonly Uint8Array[];
}

export function journalFor(context: Context, { request, roots, own }: JournalSource): JournalOptions {
  const { isWatchable, mountedBelow, fingerprint } = watchableRoots(roots);
  const view = viewOf(context, { request, roots, own }, fingerprint);
  if (request.changedFolders === undefined) return { view };
  if (!isWatchable) return { view, changes: 'unwatchable' };
  if (request.fileSystemSnapshots !== 'off') return { view, changes: 'file-system-snapshot' };
  const changes = readChangedFolders(request.changedFolders);
  if (changes === 'nothing-known') return { view };
  if (changes === undefined) return { view, changes: 'unreadable-changes' };
  return { view, changes: { ...changes, trees: [...changes.trees, ...mountedBelow] } };
}

export function formatChangedFolders({ since, folders, trees }: ToldChanges): string {
  const text = (path: Uint8Array): string => (path.length === 0 ? '/' : rawTextFromBytes(path));
  return JSON.stringify({ version: VERSION, since: toHex(since), folders: folders.map(text), trees: trees.map(text) });
}

const STANDARD_INPUT = 0;

/** `-` is standard input, to its end. Undefined when it is not what docs/changed-folders.md says. */
export function readChangedFolders(path: string): ChangedFolders | 'nothing-known' | undefined {
  try {
    const text = readFileSync(path === '-' ? STANDARD_INPUT : path, 'utf8');
    return text === '' ? 'nothing-known' : parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function parse(value: unknown): ChangedFolders | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, since, folders, trees } = value as Readonly<Record<string, unknown>>;
  if (version !== VERSION || typeof since !== 'string' || !isPaths(folders) || !isPaths(trees)) return undefined;
  return { since: asObjectName(fromHex(since)), folders: folders.map(toPath), trees: trees.map(toPath) };
}

function isPaths(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((path) => typeof path === 'string' && isPlain(path));
}

/** A path in another form would not be met by the walk, and what changed there be missed. */
function isPlain(path: string): boolean {
  if (!isAbsolute(path)) return false;
  return path === '/' || path.split('/').every((name, i) => (i === 0 ? name === '' : !['', '.', '..'].includes(name)));
}

function toPath(path: string): Uint8Array {
  return path === '/' ? new Uint8Array(0) : bytesFromRawText(path);
}

/** Whoever needs the rules in it fails by itself when it cannot be read. */
function contentOf(file: string): string | undefined {
  try {
    return Buffer.from(sha256(readFileSync(file))).toString('hex');
  } catch {
    return undefined;
  }
}

/** All that decides what a walk is able and meant to see. */
function viewOf({ version }: Context, { request, roots, own }: JournalSource, mounts: readonly string[]): Uint8Array {
  const { excludes, oneFileSystem, fileSystemSnapshots } = request;
  const hex = (paths: readonly Uint8Array[]): readonly string[] =>
    paths.map((path) => Buffer.from(path).toString('hex'));
  const files = excludes.files.map(contentOf);
  const rights = [process.geteuid?.(), process.getegid?.(), process.getgroups?.()];
  return sha256(
    Buffer.from(
      JSON.stringify([
        version,
        hex(roots),
        hex(own),
        excludes,
        files,
        oneFileSystem,
        fileSystemSnapshots,
        rights,
        mounts,
      ]),
    ),
  );
}
