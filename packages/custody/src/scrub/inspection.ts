/** Looks at one item after the other, repairs what can be repaired, and remembers what cannot. Holds one pack in memory. */
import { type Backend, BackendError } from '@keephold/backend';
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { CustodyError, type ObjectName, type PackId, type VaultId } from '@keephold/protocol';
import { isPack, packArea, setAsideDamaged } from '../heal/lost-packs.ts';
import { putBackPack } from '../heal/put-back-pack.ts';
import { MARKER, objectName, packName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { DamagedItem, ScrubReport } from '../upkeep.ts';

export interface InspectionParts {
  /** Without parity. */
  readonly backend: Backend;
  readonly ledger: Ledger;
  readonly vault: VaultId;
  readonly repairFrom: Backend | undefined;
}

/** format.md §5, and one byte more, so that a file that is too long is seen. */
const OBJECT_LIMIT = 16 * 1024 * 1024 + 4096 + 1;
/** Of a disk: these bytes cannot be read, others can. All else may be an outage, and says nothing of an item. */
const MEDIUM_ERRORS = new Set(['EIO', 'EBADMSG', 'EUCLEAN']);

type Found =
  | { readonly kind: 'sound'; readonly bytes: number }
  | { readonly kind: 'wrong' | 'unreadable'; readonly bytes: number };

export class Inspection {
  readonly #parts: InspectionParts;
  readonly #area = packArea();
  readonly #damaged: DamagedItem[] = [];
  #packs = 0;
  #objects = 0;
  #bytes = 0;
  #repaired = 0;

  constructor(parts: InspectionParts) {
    this.#parts = parts;
  }

  report(): Omit<ScrubReport, 'position' | 'outcome'> {
    return {
      ...{ packs: this.#packs, objects: this.#objects, bytes: this.#bytes },
      ...{ repaired: this.#repaired, damaged: this.#damaged },
    };
  }

  /** Answers how many bytes were read. */
  async look(item: DamagedItem): Promise<number> {
    const found = await this.#find(item);
    this.#bytes += found.bytes;
    if (item.kind === 'pack') this.#packs++;
    else this.#objects++;
    if (found.kind === 'sound' || !(await this.#isWanted(item))) return found.bytes;
    if (await this.#repair(item)) this.#repaired++;
    else if (await this.#isDamage(item, found)) this.#damaged.push(item);
    return found.bytes;
  }

  async #find(item: DamagedItem): Promise<Found> {
    try {
      const bytes = await this.#read(this.#parts.backend, item);
      if (bytes === undefined) await this.#requirePlace();
      const kind = bytes !== undefined && isItem(item, bytes) ? 'sound' : 'wrong';
      return { kind, bytes: bytes?.length ?? 0 };
    } catch (error) {
      if (isMediumError(error)) return { kind: 'unreadable', bytes: 0 };
      throw error;
    }
  }

  async #read(backend: Backend, { kind, name }: DamagedItem): Promise<Uint8Array | undefined> {
    const { vault } = this.#parts;
    return kind === 'pack'
      ? await backend.get(packName(vault, name as PackId), { into: this.#area })
      : await backend.get(objectName(vault, name as ObjectName), { length: OBJECT_LIMIT });
  }

  /** A disk that is not mounted has nothing either. */
  async #requirePlace(): Promise<void> {
    if ((await this.#parts.backend.stat(MARKER)) !== undefined) return;
    throw new CustodyError('unavailable', `scrub: ${MARKER} is not there, so nothing here is taken for lost`);
  }

  /** A collection may have deleted it since it was listed. */
  async #isWanted({ kind, name }: DamagedItem): Promise<boolean> {
    return await this.#parts.ledger.read(this.#parts.vault, async ({ packs, ledger }) => {
      if (kind === 'object') return await ledger.isNamed(name);
      const state = (await packs.get(name))?.state;
      return state !== undefined && state !== 'purging';
    });
  }

  async #repair(item: DamagedItem): Promise<boolean> {
    const { repairFrom, backend, vault } = this.#parts;
    if (repairFrom === undefined) return false;
    const bytes = await this.#readCopy(repairFrom, item);
    if (bytes === undefined || !isItem(item, bytes)) return false;
    if (item.kind === 'pack') await putBackPack(this.#parts, vault, { id: item.name as PackId, bytes });
    else await backend.put(objectName(vault, item.name as ObjectName), bytes, { sha256: item.name });
    return true;
  }

  /** A second site that rots or is away repairs nothing now, and may at the next turn. */
  async #readCopy(from: Backend, item: DamagedItem): Promise<Uint8Array | undefined> {
    try {
      return await this.#read(from, item);
    } catch (error) {
      if (error instanceof BackendError) return undefined;
      throw error;
    }
  }

  /** What cannot be read stays where it is: whoever mends the disk may read it. Objects do too, for nobody makes them again. */
  async #isDamage({ kind, name }: DamagedItem, found: Found): Promise<boolean> {
    if (kind === 'object' || found.kind === 'unreadable') return true;
    const { vault, ledger } = this.#parts;
    const isLost = async (): Promise<boolean> =>
      await ledger.read(vault, async ({ packs }) => (await packs.get(name))?.state === 'lost');
    // As every day, of packs that were set aside long ago: nothing is to be changed, and no lock is needed.
    if (found.bytes === 0 && (await isLost())) return true;
    const lost = await setAsideDamaged(this.#parts, vault, name);
    if (lost.length === 0) return false;
    // One that no commit has named yet is forgotten: whoever put it puts it again.
    return await isLost();
  }
}

function isItem({ kind, name }: DamagedItem, bytes: Uint8Array): boolean {
  return kind === 'pack' ? isPack(name as PackId, bytes) : equalBytes(sha256(bytes), name);
}

function isMediumError(error: unknown): boolean {
  if (!(error instanceof BackendError) || !(error.cause instanceof Error) || !('code' in error.cause)) return false;
  return MEDIUM_ERRORS.has(String(error.cause.code));
}
