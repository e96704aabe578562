/**
 * Gives the memory of an array back at once: it becomes empty, as does whatever else looks into its buffer. For arrays of
 * megabytes that nobody will look at again: the collector goes by the objects of its own heap, not by what hangs on them,
 * and lets tens of megabytes of them gather in each thread.
 *
 * Freeing an array twice does nothing. Only memory that `bytes` has for itself: a part of a larger buffer, or shared memory, is left alone.
 */
export function freeBytes(bytes: Uint8Array | Uint32Array | Float64Array): void {
  const { buffer } = bytes;
  const isWhole = bytes.byteLength > 0 && bytes.byteLength === buffer.byteLength;
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
