/**
 * Finds out again what snapshots need whose keeper's records are damaged, and has it written down: until then nothing is
 * ever freed. Only who can read can do that.
 */
import { EngineError } from '@keephold/engine';
import { RefsetSearch } from '@keephold/engine/node';
import type { UnknownRefset } from '@keephold/protocol';
import { readKeysOf } from '@keephold/vault';
import type { DeviceAccess } from '../access/open-device.ts';
import { openForReading } from '../access/open-for-reading.ts';
import { givenPassword } from '../access/password.ts';
import type { Context } from '../context.ts';
import { counted } from '../terminal/units.ts';

export interface RestatedRefsets {
  /** Commits whose refset is written down again. */
  readonly restated: readonly number[];
  /** Snapshots of which it is still not known what they need. */
  readonly unknown: readonly number[];
}

/** One that is found often tells others, which are written as what differs from it. */
export async function restateRefsets(
  context: Context,
  { custody, state, vaultId }: Pick<DeviceAccess, 'custody' | 'state' | 'vaultId'>,
): Promise<RestatedRefsets> {
  const restated: number[] = [];
  const tried = new Set<number>();
  let unknown = await custody.unknownRefsets(vaultId);
  if (unknown.length === 0) return { restated, unknown: [] };
  if (readKeysOf(state) === undefined && givenPassword(context) === undefined)
    return { restated, unknown: snapshotsOf(unknown) };
  await using reading = await openForReading(context, { onDamage: () => undefined });
  const { repository } = reading;
  const search = await RefsetSearch.open({ repository, signal: context.signal });
  for (let next = unknown[0]; next !== undefined; next = unknown.find(({ seq }) => !tried.has(seq))) {
    tried.add(next.seq);
    const known = await custody.recordedDelta(vaultId, next.seq);
    const found = await unlessDamaged(search.find({ ...next, known }));
    if (found !== undefined && (await custody.restateRefset(vaultId, next.seq, found))) restated.push(next.seq);
    unknown = await custody.unknownRefsets(vaultId);
  }
  return { restated, unknown: snapshotsOf(unknown) };
}

export async function tellRestated({ out }: Context, { restated, unknown }: RestatedRefsets): Promise<void> {
  if (restated.length + unknown.length === 0) return;
  await out.record({ type: 'restated', commits: restated, unknown });
  if (restated.length > 0) out.note(`found out again what ${counted(restated.length, 'snapshot')} needed to be kept`);
  if (unknown.length === 0) return;
  const seqs = unknown.map((seq) => `#${seq}`).join(', ');
  out.warn(`what ${seqs} need is not known for certain: nothing is freed while they are kept`);
  out.note(
    'a device that may read finds it out in most cases, or the password (--password-file); keephold heal --from takes the records from a copy; else keephold forget lets go of those snapshots',
  );
}

function snapshotsOf(unknown: readonly UnknownRefset[]): readonly number[] {
  return [...new Set(unknown.map(({ snapshot }) => snapshot))];
}

/** A snapshot that cannot be read tells nothing. */
async function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof EngineError && ['damaged', 'missing', 'not-found'].includes(error.code)) return undefined;
    throw error;
  }
}
