/**
 * The Reed–Solomon code: the Rust crate reed-solomon-erasure in WebAssembly. Its exports are called here and not through
 * the package's own JavaScript, which frees the flags of `reconstruct` a second time and so spoils its heap. That heap
 * also fragments when sizes vary: an instance serves stripes of one size, one file after the other, and is dropped when another size comes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CustodyError } from '@keephold/protocol';

export interface StripeSizes {
  /** Blocks. */
  readonly data: number;
  readonly parity: number;
  /** Bytes of each block. */
  readonly blockLength: number;
}

export interface StripeCode {
  /** Fills the parity blocks, which stand behind the data blocks. */
  encode(blocks: Uint8Array): void;
  /** Makes the data blocks again that are not sound; at most as many blocks as are parity may be unsound. */
  reconstruct(blocks: Uint8Array, isSound: readonly boolean[]): void;
}

type Area = readonly [address: number, length: number];

// Of what every Node has; the types of Node do not name it.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Both answer 0 when it is done. */
  encode(...call: readonly [...Area, data: number, parity: number]): number;
  /** Takes the flags, a byte a block, as its own; the blocks stay the caller's. */
  reconstruct(...call: readonly [...Area, data: number, parity: number, ...flags: Area]): number;
  __wbindgen_malloc(length: number): number;
  __wbindgen_free(...area: Area): void;
}

let compiled: object | undefined;

let last: { readonly sizes: StripeSizes; readonly code: StripeCode } | undefined;

/** Memory: two stripes, and little more; kept for the next file of the same shape. */
export function stripeCode(sizes: StripeSizes): StripeCode {
  if (last === undefined || !isSame(last.sizes, sizes)) last = { sizes, code: createCode(sizes) };
  return last.code;
}

/**
 * What each data block is multiplied with for each parity block, row by row: what the code makes of blocks that have a
 * single one, each at a place of its own.
 */
export function codeCoefficients(data: number, parity: number): Uint8Array {
  const blocks = new Uint8Array((data + parity) * data);
  for (let place = 0; place < data; place++) blocks[place * data + place] = 1;
  createCode({ data, parity, blockLength: data }).encode(blocks);
  return blocks.subarray(data * data);
}

function isSame(a: StripeSizes, b: StripeSizes): boolean {
  return a.data === b.data && a.parity === b.parity && a.blockLength === b.blockLength;
}

function createCode({ data, parity }: StripeSizes): StripeCode {
  compiled ??= new WebAssembly.Module(readFileSync(wasmPath()));
  const exports = new WebAssembly.Instance(compiled).exports as Exports;
  return {
    encode: (blocks) => onCopy(exports, blocks, (area) => exports.encode(...area, data, parity)),
    reconstruct: (blocks, isSound) =>
      onCopy(exports, blocks, (area) =>
        exports.reconstruct(...area, data, parity, ...given(exports, new Uint8Array(isSound.map(Number)))),
      ),
  };
}

function onCopy(exports: Exports, blocks: Uint8Array, work: (area: Area) => number): void {
  const area = given(exports, blocks);
  const result = work(area);
  // The memory may have grown, and then it has another buffer.
  if (result === 0) blocks.set(new Uint8Array(exports.memory.buffer, ...area));
  exports.__wbindgen_free(...area);
  if (result !== 0) throw new CustodyError('damaged', `compute with parity: the code answers ${result}`);
}

function given(exports: Exports, bytes: Uint8Array): Area {
  const area = [exports.__wbindgen_malloc(bytes.length), bytes.length] as const;
  new Uint8Array(exports.memory.buffer, ...area).set(bytes);
  return area;
}

/** Beside the bundle that is published; in the library's own package where sources run as they are. */
function wasmPath(): string {
  const beside = fileURLToPath(new URL('./reed-solomon.wasm', import.meta.url));
  if (existsSync(beside)) return beside;
  return fileURLToPath(import.meta.resolve('@digitaldefiance/reed-solomon-erasure.wasm/wasm'));
}
