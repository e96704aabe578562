/**
 * Computes parity blocks, one data block after the other, in memory of its own. The code is the library's: which bytes it
 * multiplies with is asked of it, once for each shape. Only the multiplying is done here, with the processor's vector
 * instructions, because the library's takes several times as long.
 */
import { parityEncoderModule } from './parity-encoder-module.ts';
import { dataPerStripe, type ParityShape, parityBlocks } from './parity-shape.ts';
import { codeCoefficients } from './reed-solomon.ts';

// Of what every Node has; the types of Node do not name it.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly Memory: new (size: {
    readonly initial: number;
  }) => {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  };
};

interface Exports {
  add(
    ...call: readonly [data: number, length: number, tables: number, parity: number, stride: number, rows: number]
  ): void;
}

const PAGE = 64 * 1024;
/** Products of the low half of a byte, then of the high one. */
const TABLE = 32;
/** x^8 + x^4 + x^3 + x^2 + 1 */
const POLYNOMIAL = 0x11d;

/** Memory: all parity blocks of the largest file so far, one data block. */
export class ParityEncoder {
  readonly #memory = new WebAssembly.Memory({ initial: 1 });
  readonly #exports: Exports;
  readonly #tables = new Map<string, Uint8Array>();
  /** Where things lie in the memory: the data block, the tables of the stripe, the parity blocks. */
  #places = { block: 0, tables: 0, parity: 0 };
  #shape: ParityShape = { fileLength: 0, blockLength: 0, stripes: 0, parityPerStripe: 0 };

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(parityEncoderModule, 'base64url'));
    this.#exports = new WebAssembly.Instance(module, { env: { memory: this.#memory } }).exports as Exports;
  }

  /** Begins a file; what was made of the one before is gone. */
  begin(shape: ParityShape): void {
    const tables = this.#tablesOf(dataPerStripe(shape), shape.parityPerStripe);
    const parity = shape.blockLength + tables.length;
    const end = parity + parityBlocks(shape) * shape.blockLength;
    const missing = Math.ceil(end / PAGE) - this.#memory.buffer.byteLength / PAGE;
    if (missing > 0) this.#memory.grow(missing);
    this.#shape = shape;
    this.#places = { block: 0, tables: shape.blockLength, parity };
    this.#bytes.set(tables, shape.blockLength);
    this.#bytes.fill(0, parity, end);
  }

  /** Adds the data block with that number. Each once, in any order. */
  add(index: number, block: Uint8Array): void {
    const { blockLength, stripes, parityPerStripe } = this.#shape;
    const memory = this.#bytes;
    memory.set(block, this.#places.block);
    // What a short block lacks counts as zeros.
    memory.fill(0, this.#places.block + block.length, this.#places.block + blockLength);
    const place = Math.floor(index / stripes);
    const tables = this.#places.tables + place * parityPerStripe * TABLE;
    const parity = this.#places.parity + (index % stripes) * blockLength;
    this.#exports.add(this.#places.block, blockLength, tables, parity, stripes * blockLength, parityPerStripe);
  }

  /** All parity blocks in their order; a view, until the next file begins. */
  get blocks(): Uint8Array {
    return this.#bytes.subarray(
      this.#places.parity,
      this.#places.parity + parityBlocks(this.#shape) * this.#shape.blockLength,
    );
  }

  /** The memory may have grown, and then it has another buffer. */
  get #bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }

  /** By place of the data block in its stripe, one for each parity block. */
  #tablesOf(data: number, parity: number): Uint8Array {
    const key = `${data} ${parity}`;
    let tables = this.#tables.get(key);
    if (tables === undefined) {
      tables = productTables(codeCoefficients(data, parity), { data, parity });
      this.#tables.set(key, tables);
    }
    return tables;
  }
}

function productTables(
  coefficients: Uint8Array,
  { data, parity }: { readonly data: number; readonly parity: number },
): Uint8Array {
  const tables = new Uint8Array(data * parity * TABLE);
  for (let place = 0; place < data; place++) {
    for (let row = 0; row < parity; row++) {
      const coefficient = coefficients[row * data + place] as number;
      const at = (place * parity + row) * TABLE;
      for (let half = 0; half < 16; half++) {
        tables[at + half] = product(coefficient, half);
        tables[at + 16 + half] = product(coefficient, half << 4);
      }
    }
  }
  return tables;
}

/** In GF(2^8). */
function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = 7; bit >= 0; bit--) {
    sum <<= 1;
    if (sum & 0x100) sum ^= POLYNOMIAL;
    if ((b >> bit) & 1) sum ^= a;
  }
  return sum;
}
