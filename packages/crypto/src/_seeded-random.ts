/** Random source that repeats itself, for tests only. */

import { sha256 } from '#primitives/sha256';
import type { RandomSource } from './keys.ts';

export function seededRandom(seed: number): RandomSource {
  let counter = 0;
  return (n) => {
    const bytes = new Uint8Array(n);
    for (let at = 0; at < n; at += 32) {
      bytes.set(sha256(Uint8Array.of(seed, counter & 255, counter >> 8)).subarray(0, Math.min(32, n - at)), at);
      counter++;
    }
    return bytes;
  };
}
