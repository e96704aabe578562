/** Which snapshots a drill is about: those that are named, else the newest of every series. */
import { EngineError, type Repository, type Snapshot } from '@keephold/engine';
import { hex } from '../../listing/node-text.ts';

/** @throws EngineError `not-found` when there is none */
export async function drillSnapshots(repository: Repository, names: readonly string[]): Promise<readonly Snapshot[]> {
  const wanted = names.length > 0 ? names : newestOfEach(repository);
  if (wanted.length === 0) throw new EngineError('not-found', 'drill: there is no snapshot to restore from');
  const snapshots = await Promise.all(wanted.map((name) => repository.snapshot(name)));
  return [...new Map(snapshots.map((snapshot) => [snapshot.seq, snapshot])).values()];
}

/** Complete ones; of a series that has none yet, the newest checkpoint. */
function newestOfEach({ log }: Repository): readonly string[] {
  const newest = new Map<string, { readonly seq: number; readonly isComplete: boolean }>();
  for (const { seq, kind, state, deviceId, streamId } of log.snapshots) {
    if (state !== 'active') continue;
    const stream = `${hex(deviceId)} ${hex(streamId)}`;
    const isComplete = kind === 'complete';
    if (isComplete || newest.get(stream)?.isComplete !== true) newest.set(stream, { seq, isComplete });
  }
  return [...newest.values()].map(({ seq }) => `#${seq}`);
}
