/**
 * Streams of this device: one series of snapshots for each set of paths (format.md §1). Their ids are random and kept in
 * the device's state folder; when that is lost, so is the device's id, and new streams begin.
 */
import { compareBytes, fromHex, toHex } from '@keephold/bytes';
import { systemRandom } from '@keephold/crypto';
import { asStreamId, type StreamId } from '@keephold/protocol';
import { changeVersionedFile, type VersionedFile } from './versioned-file.ts';

type Known = Readonly<Record<string, string>>;

/** The id of the stream of these paths; made at the first time. `folder`: the device's state folder. */
export function streamOf(folder: string, deviceId: Uint8Array, paths: readonly Uint8Array[]): StreamId {
  const file: VersionedFile = { folder, name: 'streams' };
  const key = [deviceId, ...paths.toSorted(compareBytes)].map(toHex).join('/');
  let id = '';
  changeVersionedFile(file, (bytes) => {
    const known = parseKnown(bytes);
    const found = known[key];
    id = found ?? toHex(systemRandom(16));
    return found === undefined ? new TextEncoder().encode(JSON.stringify({ ...known, [key]: id })) : undefined;
  });
  return asStreamId(fromHex(id));
}

/** What is not what was written is forgotten: the price is a new series. */
function parseKnown(bytes: Uint8Array | undefined): Known {
  if (bytes === undefined) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter(([, id]) => typeof id === 'string' && /^[0-9a-f]{32}$/.test(id)));
  } catch {
    return {};
  }
}
