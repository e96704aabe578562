/**
 * Content-defined cut points, format.md §3 (Gear). Compiled to WebAssembly by tools/build-wasm.ts; the module
 * imports its memory, so that the bytes are read into it once and never copied.
 *
 * Layout: the gear table, 256 × u64, stands at the very start of the memory: as a constant it costs nothing to add.
 */

const MINIMUM: u32 = 512 * 1024;
const NORMAL: u32 = 1024 * 1024;
const MAXIMUM: u32 = 4 * 1024 * 1024;
const WARM_UP: u32 = 64;

// The state of one unfinished chunk: how much of it was seen, and the hash there.
let seen: u32 = MINIMUM - WARM_UP;
let hash: u64 = 0;

/** Forgets the unfinished chunk. */
export function reset(): void {
  seen = MINIMUM - WARM_UP;
  hash = 0;
}

// @ts-ignore: decorator
@inline
function gear(at: usize): u64 {
  return load<u64>(<usize>load<u8>(at) << 3);
}

/**
 * Absorbs bytes from `at` to `end` (both relative to `chunk`) until the top bits of the hash, all but `shift` of them,
 * are zero; answers the length there, or 0. Four bytes a turn: the four hashes depend only on the one before them, so
 * that the processor does not wait for each in turn.
 */
// @ts-ignore: decorator
@inline
function scan(chunk: usize, from: u32, end: u32, shift: u64): u32 {
  let at = from;
  let h = hash;
  while (at + 4 <= end) {
    const c1 = gear(chunk + at);
    const c2 = (c1 << 1) + gear(chunk + at + 1);
    const c3 = (c2 << 1) + gear(chunk + at + 2);
    const c4 = (c3 << 1) + gear(chunk + at + 3);
    const h1 = (h << 1) + c1;
    const h2 = (h << 2) + c2;
    const h3 = (h << 3) + c3;
    const h4 = (h << 4) + c4;
    // x − 1 is negative only for x = 0: one branch for all four.
    if (<i64>(((h1 >> shift) - 1) | ((h2 >> shift) - 1) | ((h3 >> shift) - 1) | ((h4 >> shift) - 1)) < 0) {
      if (h1 >> shift == 0) return at + 1;
      if (h2 >> shift == 0) return at + 2;
      if (h3 >> shift == 0) return at + 3;
      return at + 4;
    }
    h = h4;
    at += 4;
  }
  while (at < end) {
    h = (h << 1) + gear(chunk + at);
    at++;
    if (h >> shift == 0) return at;
  }
  hash = h;
  return 0;
}

/** Absorbs bytes without looking for a cut. */
// @ts-ignore: decorator
@inline
function absorb(chunk: usize, from: u32, end: u32): void {
  let h = hash;
  for (let at = from; at < end; at++) h = (h << 1) + gear(chunk + at);
  hash = h;
}

/**
 * Goes on looking for the end of the chunk that starts at `chunk` and of which `available` bytes are there. Answers its
 * length, or 0 when more bytes are needed. Call again with the same chunk and more bytes; what was seen is not read
 * twice. After an answer the state is fresh.
 */
export function cut(chunk: usize, available: u32): u32 {
  const end: u32 = min(available, MAXIMUM);
  // Up to the byte before the minimum nothing is tested, and no length below 1 MiB meets the looser rule.
  if (seen < MINIMUM - 1 && seen < end) {
    const until = min(end, MINIMUM - 1);
    absorb(chunk, seen, until);
    seen = until;
  }
  let found: u32 = 0;
  if (seen < end && seen < NORMAL - 1) {
    const until = min(end, NORMAL - 1);
    found = scan(chunk, seen, until, 42);
    seen = until;
  }
  if (found == 0 && seen < end) {
    found = scan(chunk, seen, end, 46);
    seen = end;
  }
  if (found == 0 && seen == MAXIMUM) found = MAXIMUM;
  if (found != 0) reset();
  return found;
}

const SECTOR: u32 = 512;
const WINDOW: u32 = 64;

/**
 * The length of the chunk of a disk image that starts at `chunk`, for pieces of about `pieceBytes` (a power of two from
 * 2,048 on): at least half of that, at most twice, ending before a sector whose first 64 bytes have a hash with zeros
 * on top. `available` bytes are there: twice `pieceBytes` and 64 more, or all that is left.
 */
export function cutAtSector(chunk: usize, available: u32, pieceBytes: u32): u32 {
  const end: u32 = min(available, 2 * pieceBytes);
  // One sector in pieceBytes / 1,024 ends a chunk: half a piece after the minimum, as the mean goes.
  const shift: u64 = 64 - (ctz(pieceBytes) - 10);
  // Of 64 zero bytes: they never cut, so that free space is cut the same in every vault.
  const zeros: u64 = 0 - load<u64>(0);
  for (let at = pieceBytes >> 1; at < end && at + WINDOW <= available; at += SECTOR) {
    const h = hashOfWindow(chunk + at);
    if (h >> shift == 0 && h != zeros) return at;
  }
  return end;
}

// @ts-ignore: decorator
@inline
function hashOfWindow(from: usize): u64 {
  let h: u64 = 0;
  for (let at = from; at < from + WINDOW; at += 4)
    h = (h << 4) + (gear(at) << 3) + (gear(at + 1) << 2) + (gear(at + 2) << 1) + gear(at + 3);
  return h;
}
