/**
 * The content wanted by the files of a slice: which blob goes where in which file. Places stand in the order of the
 * files, so those of one file are neighbours. Holes of sparse files are left out: they are not read and not written.
 */
import type { ContentPart } from '../../node-fields.ts';
import { type Holes, outsideHoles } from '../../reading/holes.ts';
import { IdTable } from '../../reading/id-table.ts';
import { grownF64, grownU32 } from './grown.ts';

export class WantedContent {
  /** Every blob once; its number is used below. */
  readonly blobs: IdTable = new IdTable();
  count = 0;
  blobOf: Uint32Array = new Uint32Array(1024);
  fileOf: Uint32Array = new Uint32Array(1024);
  /** In the file. */
  offsets: Float64Array = new Float64Array(1024);
  /** First byte of the blob that is wanted, and how many. */
  from: Uint32Array = new Uint32Array(1024);
  lengths: Uint32Array = new Uint32Array(1024);
  /** Length that the tree says each blob has, by blob number. */
  blobLengths: Uint32Array = new Uint32Array(1024);
  /** First place of each file, by file number; has one entry more than there are files once the next one began. */
  #firstPlace: Uint32Array = new Uint32Array(256);
  #files = 0;

  /** Begins the content of the next file, with this number. */
  beginFile(file: number): void {
    this.#firstPlace = grownU32(this.#firstPlace, file + 2);
    while (this.#files <= file) this.#firstPlace[this.#files++] = this.count;
  }

  /** Adds a part of the file begun last; answers false when two trees name the blob with different lengths. */
  addPart(file: number, part: ContentPart, offset: number, holes: Holes | undefined): boolean {
    const pieces = holes === undefined ? [[0, part.length] as const] : outsideHoles(offset, part.length, holes);
    if (pieces.length === 0) return true;
    const known = this.blobs.size;
    const blob = this.blobs.add(part.blob);
    if (blob === known) {
      this.blobLengths = grownU32(this.blobLengths, blob + 1);
      this.blobLengths[blob] = part.length;
    }
    if (this.blobLengths[blob] !== part.length) return false;
    for (const [from, length] of pieces) this.#add(blob, file, offset + from, from, length);
    return true;
  }

  firstPlaceOf(file: number): number {
    return file < this.#files ? this.#firstPlace[file]! : this.count;
  }

  #add(blob: number, file: number, offset: number, from: number, length: number): void {
    const at = this.count++;
    if (at >= this.blobOf.length) {
      this.blobOf = grownU32(this.blobOf, at + 1);
      this.fileOf = grownU32(this.fileOf, at + 1);
      this.offsets = grownF64(this.offsets, at + 1);
      this.from = grownU32(this.from, at + 1);
      this.lengths = grownU32(this.lengths, at + 1);
    }
    this.blobOf[at] = blob;
    this.fileOf[at] = file;
    this.offsets[at] = offset;
    this.from[at] = from;
    this.lengths[at] = length;
  }
}
