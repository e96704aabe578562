/** Making fresh keys from a random source. */

import { asKey, KEY_LENGTH, type Key, type KeyName, type RandomSource } from './keys.ts';

export function randomKey<Name extends KeyName>(name: Name, random: RandomSource): Key<Name> {
  return asKey(name, random(KEY_LENGTH));
}
