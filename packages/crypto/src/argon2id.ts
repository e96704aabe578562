/**
 * Stretching passwords with Argon2id (security.md §4). Costs come from disk or server, so they are checked before
 * anything is computed: too low would make guessing cheap, too high would stop the machine.
 */

import { utf8Encode } from '@keephold/bytes';
import { type Argon2Cost, computeArgon2id } from '#primitives/argon2';
import { CryptoError, DowngradeError, InvalidKeyError } from './errors.ts';

/**
 * Default of local repositories: 128 MiB, 3 passes, 4 lanes (the lanes of RFC 9106 §4). The work is that of one lane; a
 * machine shares it among its processors: 0.35 s on one, 0.23 s on two.
 */
export const DEFAULT_ARGON2_COST: Argon2Cost = { memoryKiB: 131_072, passes: 3, lanes: 4 };

const LIMITS: readonly { readonly field: keyof Argon2Cost; readonly least: number; readonly most: number }[] = [
  { field: 'memoryKiB', least: 65_536, most: 4_194_304 },
  { field: 'passes', least: 3, most: 64 },
  { field: 'lanes', least: 1, most: 16 },
];
const SHORTEST_SALT = 16;

/** What is stretched: the password in Unicode NFKC as UTF-8, so that every keyboard gives the same bytes. */
export function passwordBytes(password: string): Uint8Array<ArrayBuffer> {
  return utf8Encode(password.normalize('NFKC'));
}

/**
 * 32 bytes from a password (`passwordBytes`) and a salt of at least 16.
 * @throws DowngradeError for costs outside the accepted range, CryptoError when the machine has not enough memory.
 */
export async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  cost: Argon2Cost,
): Promise<Uint8Array<ArrayBuffer>> {
  requireAcceptableCost(cost);
  if (salt.length < SHORTEST_SALT)
    throw new InvalidKeyError(`stretch password: salt of ${salt.length} bytes is too short`);
  try {
    return await computeArgon2id({ password, salt, cost });
  } catch (cause) {
    throw new CryptoError('argon2-failed', `stretch password: not possible with ${cost.memoryKiB} KiB of memory`, {
      cause,
    });
  }
}

/** @throws DowngradeError for costs outside the accepted range. */
export function requireAcceptableCost(cost: Argon2Cost): void {
  for (const { field, least, most } of LIMITS) {
    const value = cost[field];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new DowngradeError(
        'downgrade-argon2',
        `stretch password: ${field} ${value}, accepted are ${least} to ${most}`,
      );
    }
  }
}
