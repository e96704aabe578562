/**
 * One 256th of a vault's packs, those whose ids start with one byte, as one sorted byte array: a hundred thousand packs
 * are then 256 rows, read in milliseconds, where a row each takes a third of a second.
 *
 * Record, 44 bytes: id 32 ‖ state u8 ‖ kind u8 ‖ pages u16 ‖ since f64 (unix milliseconds), big-endian.
 */
import { compareBytes } from '@keephold/bytes';
import type { PackId } from '@keephold/protocol';
import type { PackEntry, PackState } from '../pack-state.ts';
import { SqlError } from './sql.ts';

const ID = 32;
const RECORD = 44;
const STATES: readonly PackState[] = ['pending', 'live', 'condemned', 'purging', 'lost'];

export class PackShard {
  #bytes: Uint8Array;
  #length: number;
  #changed = false;

  /** @throws SqlError 'damaged' */
  constructor(stored: Uint8Array | undefined) {
    this.#bytes = stored ?? new Uint8Array(0);
    this.#length = this.#bytes.length;
    if (this.#length % RECORD !== 0) throw new SqlError('damaged', `read ledger: pack rows of ${this.#length} bytes`);
  }

  get changed(): boolean {
    return this.#changed;
  }

  stored(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get(id: Uint8Array): PackEntry | undefined {
    const { at, found } = this.#find(id);
    return found ? this.#entry(at) : undefined;
  }

  set(id: Uint8Array, entry: PackEntry): void {
    const { at, found } = this.#find(id);
    this.#changed = true;
    if (!found) this.#insert(at, id);
    this.#bytes[at + ID] = STATES.indexOf(entry.state);
    this.#bytes[at + ID + 1] = entry.kind;
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, RECORD);
    view.setUint16(34, entry.pages);
    view.setFloat64(36, entry.since);
  }

  remove(id: Uint8Array): void {
    const { at, found } = this.#find(id);
    if (!found) return;
    this.#changed = true;
    this.#bytes = this.#bytes.slice(0, this.#length);
    this.#bytes.copyWithin(at, at + RECORD);
    this.#length -= RECORD;
  }

  /** In the order of ids; the id is a view, to be copied by whoever keeps it. */
  *entries(): Generator<readonly [PackId, PackEntry]> {
    for (let at = 0; at < this.#length; at += RECORD) {
      yield [this.#bytes.subarray(at, at + ID) as PackId, this.#entry(at)];
    }
  }

  /** Appends the ids of all records whose state `wanted` accepts to `target` at `offset`; answers the new offset. */
  copyIds(wanted: (state: PackState) => boolean, target: Uint8Array, offset: number): number {
    const accepted = STATES.map(wanted);
    let end = offset;
    for (let at = 0; at < this.#length; at += RECORD) {
      if (accepted[this.#bytes[at + ID] as number] !== true) continue;
      target.set(this.#bytes.subarray(at, at + ID), end);
      end += ID;
    }
    return end;
  }

  get count(): number {
    return this.#length / RECORD;
  }

  #entry(at: number): PackEntry {
    const state = STATES[this.#bytes[at + ID] as number];
    if (state === undefined) throw new SqlError('damaged', 'read ledger: a pack row has no known state');
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, RECORD);
    return { state, kind: view.getUint8(33), pages: view.getUint16(34), since: view.getFloat64(36) };
  }

  #find(id: Uint8Array): { readonly at: number; readonly found: boolean } {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = compareBytes(this.#bytes.subarray(middle * RECORD, middle * RECORD + ID), id);
      if (order === 0) return { at: middle * RECORD, found: true };
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return { at: low * RECORD, found: false };
  }

  #insert(at: number, id: Uint8Array): void {
    if (this.#length + RECORD > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(8 * RECORD, 2 * this.#length));
      larger.set(this.stored());
      this.#bytes = larger;
    }
    this.#bytes.copyWithin(at + RECORD, at, this.#length);
    this.#bytes.set(id, at);
    this.#length += RECORD;
  }
}
