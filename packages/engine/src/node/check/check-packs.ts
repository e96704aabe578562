/** Looks at packs: all of their bytes, or only whether they are there and long enough. */
import { equalBytes, toHex } from '@keephold/bytes';
import { SEALED_PAGE_BYTES } from '@keephold/crypto/bulk';
import { encodePackHeader, PACK_HEADER_LENGTH, type PackId, packLength, type VaultId } from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import type { IndexedPack } from '../../index-object.ts';
import { blobCount } from '../../pack-contents.ts';
import type { PackRecord } from '../../reading/blob-locations.ts';
import { failureOf } from '../restore/item-failure.ts';
import { fetchWhole } from '../restore/pack-reading/fetch-pack.ts';
import type { PackSource } from '../restore/pack-reading/pack-source.ts';
import type { PackFindings } from '../restore/pack-reading/read-messages.ts';
import type { ReadPool } from '../restore/pack-reading/read-pool.ts';
import type { Findings, ProblemKind } from './findings.ts';

/** Blobs that cannot be read where the index says, and what is wrong there. */
export class LostPlaces {
  /** Packs with anything wrong, by hex. */
  readonly damaged: Map<string, PackId> = new Map();
  readonly #packs = new Map<number, string>();
  readonly #blobs = new Map<string, string>();

  get isEmpty(): boolean {
    return this.#packs.size === 0 && this.#blobs.size === 0;
  }

  addPack(pack: number, what: string): void {
    this.#packs.set(pack, what);
  }

  addBlob(pack: number, id: Uint8Array, what: string): void {
    this.#blobs.set(`${pack}/${toHex(id)}`, what);
  }

  /** What is wrong with the blob in this pack; undefined: nothing that is known. */
  reason(pack: number, id: Uint8Array): string | undefined {
    return this.#packs.get(pack) ?? (this.#blobs.size === 0 ? undefined : this.#blobs.get(`${pack}/${toHex(id)}`));
  }
}

export interface PackCheckOptions {
  readonly source: PackSource;
  readonly vaultId: VaultId;
  readonly findings: Findings;
  readonly lost: LostPlaces;
  /** Known to be lost, or perhaps needed by nobody: told of only where files miss it. */
  readonly isToldByNeed: (packId: PackId) => boolean;
}

/** Tells what is wrong with a pack, and keeps its name for the keeper. */
function tell(options: PackCheckOptions, { packId }: PackRecord, kind: ProblemKind, what: string): void {
  options.lost.damaged.set(toHex(packId), packId);
  if (!options.isToldByNeed(packId)) options.findings.add(kind, what);
}

/** Whether a pack is there with all its pages: its last page is fetched. Answers false when it is not. */
export async function checkPresence(options: PackCheckOptions, pack: PackRecord, number: number): Promise<boolean> {
  const { source, lost } = options;
  const name = toHex(pack.packId);
  const page = new Uint8Array(SEALED_PAGE_BYTES);
  let length: number | undefined;
  try {
    length = await source.getPack(pack.packId, page, { first: pack.pageCount - 1, count: 1 });
  } catch (cause) {
    return report('damaged-pack', `pack ${name} cannot be read: ${failureOf(cause).reason}`);
  }
  if (length === undefined) {
    // Nothing at that place: too short to have a last page, or not there at all.
    const first = await source.getPack(pack.packId, page, { first: 0, count: 1 }).catch(() => undefined);
    return first === undefined
      ? report('missing-pack', `pack ${name} is not there`)
      : report('damaged-pack', `pack ${name} is cut short`);
  }
  return length === SEALED_PAGE_BYTES ? true : report('damaged-pack', `pack ${name} is cut short`);

  function report(kind: 'missing-pack' | 'damaged-pack', what: string): false {
    tell(options, pack, kind, what);
    lost.addPack(number, what);
    return false;
  }
}

/** Reads every byte of a pack, whose rows are gone afterwards. Answers how many bytes those were. */
export async function checkContent(
  options: PackCheckOptions & { readonly pool: ReadPool; readonly area: number },
  pack: IndexedPack,
  number: number,
): Promise<number> {
  const { source, lost, pool, area } = options;
  const name = toHex(pack.packId);
  let key: Uint8Array;
  let length: number | undefined;
  try {
    key = await source.packKeyOf(pack);
    length = await fetchWhole(source, pack, pool.area(area));
  } catch (cause) {
    if (!(cause instanceof Error) || (cause instanceof EngineError && cause.code === 'interrupted')) throw cause;
    const what = `pack ${name} cannot be read: ${cause.message}`;
    tell(options, pack, 'damaged-pack', what);
    lost.addPack(number, what);
    return 0;
  }
  if (length === undefined) {
    const what = `pack ${name} is not there`;
    tell(options, pack, 'missing-pack', what);
    lost.addPack(number, what);
    return 0;
  }
  const frame = frameFault(pack, options.vaultId, pool.area(area), length);
  if (frame !== undefined) tell(options, pack, 'damaged-pack', `pack ${name}: ${frame}`);
  const fetched = { area, pageCount: pack.pageCount, key };
  const { kind: packKind, contents } = pack;
  const blobs = blobCount(contents);
  const found = await pool.run({ kind: 'verify', pack: fetched, packKind, contents });
  reportFindings(options, { pack, number, name, blobs }, found);
  return length;
}

/** What is wrong around the pages: header and length. */
function frameFault(pack: PackRecord, vaultId: VaultId, area: Uint8Array, length: number): string | undefined {
  if (length < packLength(pack.pageCount)) return 'it is cut short';
  if (length > packLength(pack.pageCount)) return 'it is longer than its pages';
  const header = encodePackHeader({ ...pack, vaultId });
  return equalBytes(area.subarray(0, PACK_HEADER_LENGTH), header)
    ? undefined
    : 'its header is not the one its pages were sealed under';
}

function reportFindings(
  options: PackCheckOptions,
  {
    pack,
    number,
    name,
    blobs,
  }: { readonly pack: PackRecord; readonly number: number; readonly name: string; readonly blobs: number },
  { badPages, structure, badBlobs }: PackFindings,
): void {
  const { lost } = options;
  for (const what of structure) tell(options, pack, 'damaged-pack', `pack ${name}: ${what}`);
  if (badPages === 0 && badBlobs.length === 0) return;
  const what = `pack ${name}: ${badPages} of ${pack.pageCount} pages do not open, ${badBlobs.length / 32} of ${blobs} blobs are damaged`;
  tell(options, pack, 'damaged-pack', what);
  for (let at = 0; at < badBlobs.length; at += 32) lost.addBlob(number, badBlobs.subarray(at, at + 32), what);
}
