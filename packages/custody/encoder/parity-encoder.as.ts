/**
 * Adds one data block to the parity blocks of its stripe (format.md §11), 16 bytes at a time. Compiled to WebAssembly by
 * tools/build-wasm.ts. Multiplying by a constant in GF(2^8) is linear: the products of the low and the high half of a
 * byte, looked up in a table of 16 each, add up to the product.
 */

/**
 * `tables`: for each parity block 16 products of the low halves, then 16 of the high ones. `parity`: the first parity
 * block of the stripe; the next ones follow `stride` bytes apart. `length` is a multiple of 16.
 */
export function add(data: usize, length: usize, tables: usize, parity: usize, stride: usize, rows: u32): void {
  const mask = i8x16.splat(15);
  for (let row: u32 = 0; row < rows; row++) {
    const lowProducts = v128.load(tables);
    const highProducts = v128.load(tables, 16);
    for (let at: usize = 0; at < length; at += 16) {
      const bytes = v128.load(data + at);
      const low = i8x16.swizzle(lowProducts, v128.and(bytes, mask));
      const high = i8x16.swizzle(highProducts, i8x16.shr_u(bytes, 4));
      const target = parity + at;
      v128.store(target, v128.xor(v128.load(target), v128.xor(low, high)));
    }
    tables += 32;
    parity += stride;
  }
}
