/** A run of neighbouring parts of one file that lie in one pack, and what to ask of that pack. */
import { toHex } from '@keephold/bytes';
import type { ContentPart } from '../../node-fields.ts';
import { BlobKind } from '../../pack-contents.ts';
import { type BlobLocations, type BlobPlace, frameRow, type LocatedPack } from '../../reading/blob-locations.ts';
import type { PackRequest } from '../restore/pack-reading/pack-request.ts';

/** Content bytes of one run: less than an area holds. */
const MAX_RUN_BYTES: number = 8 * 1024 * 1024;
/** From here on a run ends with its frame: small runs stay in the processor's cache, and no frame is opened twice. */
const ENOUGH_BYTES: number = 2 * 1024 * 1024;

export interface ContentRun {
  /** Undefined: no index says where its blobs are. */
  readonly pack: LocatedPack | undefined;
  readonly parts: readonly ContentPart[];
  /** Where each part is in the pack; empty without a pack. */
  readonly places: readonly BlobPlace[];
  readonly bytes: number;
  /** Zeros: nothing is stored that would have to be read. */
  readonly isHole: boolean;
}

interface OpenRun extends ContentRun {
  readonly parts: ContentPart[];
  readonly places: BlobPlace[];
  bytes: number;
}

/** Cuts parts into runs, in order. */
export function* contentRuns(
  parts: readonly ContentPart[],
  locations: BlobLocations,
  isHole: (part: number) => boolean,
): Generator<ContentRun> {
  let run: OpenRun | undefined;
  for (const [i, part] of parts.entries()) {
    const hole = isHole(i);
    const place = hole ? undefined : usablePlace(part, locations);
    if (run !== undefined && (run.isHole !== hole || endsBefore(run, place, part.length))) {
      yield run;
      run = undefined;
    }
    run ??= { pack: place?.pack, parts: [], places: [], bytes: 0, isHole: hole };
    run.parts.push(part);
    if (place !== undefined) run.places.push(place);
    run.bytes += part.length;
  }
  if (run !== undefined) yield run;
}

function endsBefore(run: ContentRun, next: BlobPlace | undefined, length: number): boolean {
  if (run.pack !== next?.pack || run.bytes + length > MAX_RUN_BYTES) return true;
  return run.bytes >= ENOUGH_BYTES && next?.frame !== run.places.at(-1)?.frame;
}

function usablePlace({ blob, length }: ContentPart, locations: BlobLocations): BlobPlace | undefined {
  const place = locations.firstPlace(locations.ids.find(blob));
  const fits = place !== undefined && place.kind === BlobKind.data && place.length === length;
  return fits && place.offset + length <= frameRow(place.pack, place.frame).rawLength ? place : undefined;
}

/** The request for a run: every blob once, placed wherever the run has it. Answers the parts behind each blob row too. */
export function runRequest({ parts, places }: ContentRun): {
  readonly request: PackRequest;
  readonly partsOf: readonly (readonly number[])[];
} {
  const byBlob = new Map<string, number[]>();
  const offsets: number[] = [];
  let at = 0;
  parts.forEach((part, i) => {
    const key = toHex(part.blob);
    const known = byBlob.get(key);
    if (known === undefined) byBlob.set(key, [i]);
    else known.push(i);
    offsets.push(at);
    at += part.length;
  });
  const partsOf = [...byBlob.values()].sort(
    ([a], [b]) => places[a!]!.frame - places[b!]!.frame || places[a!]!.offset - places[b!]!.offset,
  );
  return { request: encodeRequest(partsOf, { parts, places, offsets }), partsOf };
}

function encodeRequest(
  partsOf: readonly (readonly number[])[],
  { parts, places, offsets }: Pick<ContentRun, 'parts' | 'places'> & { readonly offsets: readonly number[] },
): PackRequest {
  const frames: number[] = [];
  const blobs: number[] = [];
  const rows: number[] = [];
  const ids = new Uint8Array(partsOf.length * 32);
  let lastFrame = -1;
  partsOf.forEach((uses, row) => {
    const first = uses[0]!;
    const { pack, frame, offset, length } = places[first]!;
    if (frame !== lastFrame) {
      const { offset: at, storedLength, rawLength, compressed } = frameRow(pack, frame);
      frames.push(at, storedLength, rawLength, compressed ? 1 : 0, row, 0);
      lastFrame = frame;
    }
    frames[frames.length - 1]!++;
    blobs.push(offset, length, BlobKind.data, rows.length / 5, uses.length);
    ids.set(parts[first]!.blob, row * 32);
    for (const part of uses) rows.push(0, offsets[part]!, 0, 0, length);
  });
  return { frames: Uint32Array.from(frames), blobs: Uint32Array.from(blobs), ids, places: Uint32Array.from(rows) };
}
