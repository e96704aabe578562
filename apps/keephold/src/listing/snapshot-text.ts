/** A snapshot as a record for tools, and the sizes it was stored with. */
import { type Snapshot, SnapshotStat } from '@keephold/engine';
import { pathFields } from '../terminal/output.ts';
import { exactTime } from '../terminal/units.ts';
import { hex, withSlash } from './node-text.ts';

export interface SnapshotSizes {
  readonly files: number | undefined;
  readonly bytes: number | undefined;
}

export function snapshotSizes({ stats }: Pick<Snapshot, 'stats'>): SnapshotSizes {
  const { files, bytes } = { files: stats.get(SnapshotStat.files), bytes: stats.get(SnapshotStat.bytes) };
  return {
    files: files === undefined ? undefined : Number(files),
    bytes: bytes === undefined ? undefined : Number(bytes),
  };
}

export function snapshotFields(snapshot: Snapshot): Readonly<Record<string, unknown>> {
  const stats = Object.entries(SnapshotStat).map(([name, key]) => [name, snapshot.stats.get(key)] as const);
  return {
    seq: snapshot.seq,
    id: hex(snapshot.id),
    kind: snapshot.kind,
    state: snapshot.state,
    start: exactTime(snapshot.time),
    end: exactTime(snapshot.end),
    hostname: snapshot.hostname,
    device: hex(snapshot.deviceId),
    stream: hex(snapshot.streamId),
    paths: snapshot.paths.map((path) => pathFields(withSlash(path))),
    tags: snapshot.tags,
    clientVersion: snapshot.clientVersion,
    unreadable: snapshot.unreadable.map(({ path, error }) => ({ ...pathFields(withSlash(path)), error })),
    ...Object.fromEntries(stats.filter(([, value]) => value !== undefined)),
  };
}
