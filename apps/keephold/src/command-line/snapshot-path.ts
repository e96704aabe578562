/**
 * SNAPSHOT[:PATH]: a snapshot's name up to the first colon, then an absolute path in it. Names of snapshots have no
 * colon, so paths may have any.
 */
import { UsageError } from '../errors.ts';
import { bytesFromRawText } from './raw-text.ts';

export interface SnapshotPath {
  /** 'latest', the beginning of an id, or '#' and a number. */
  readonly snapshot: string;
  /** Components joined by '/', without one at either end; empty: the root. */
  readonly path: Uint8Array;
  /** Whether a path was written at all (`latest:/` has one, `latest` has none). */
  readonly hasPath: boolean;
}

export function parseSnapshotPath(written: string): SnapshotPath {
  const colon = written.indexOf(':');
  const snapshot = colon < 0 ? written : written.slice(0, colon);
  if (!/^(latest|#?[0-9a-fA-F]{1,64}|#\d{1,15})$/.test(snapshot)) throw notASnapshot(snapshot);
  return { snapshot, path: snapshotPathBytes(colon < 0 ? '' : written.slice(colon + 1)), hasPath: colon >= 0 };
}

function notASnapshot(written: string): UsageError {
  const hint = 'name it "latest", by the beginning of its id, or by its number as #12; `keephold snapshots` lists them';
  return new UsageError(`"${written}" cannot be a snapshot`, hint);
}

/** The path inside a snapshot: every path there starts at the root, whether or not it is written. */
export function snapshotPathBytes(written: string): Uint8Array {
  const components = written.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw new UsageError(`".." cannot be used in a path of a snapshot: ${written}`);
  return bytesFromRawText(components.join('/'));
}
