/** Typed arrays that grow: half as large again would copy more often, twice is what memory is planned for. */

export function grownU32(array: Uint32Array, atLeast: number): Uint32Array {
  if (atLeast <= array.length) return array;
  const larger = new Uint32Array(Math.max(array.length * 2, atLeast));
  larger.set(array);
  return larger;
}

export function grownF64(array: Float64Array, atLeast: number): Float64Array {
  if (atLeast <= array.length) return array;
  const larger = new Float64Array(Math.max(array.length * 2, atLeast));
  larger.set(array);
  return larger;
}
