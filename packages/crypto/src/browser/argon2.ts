/** Argon2id by hash-wasm, loaded on first use: only unlocking with a password needs it. */

import type * as contract from '#primitives/argon2';

const OUTPUT_LENGTH = 32;

export const computeArgon2id: typeof contract.computeArgon2id = async ({ password, salt, cost }) => {
  const { argon2id } = await import('hash-wasm');
  const key = await argon2id({
    password,
    salt,
    memorySize: cost.memoryKiB,
    iterations: cost.passes,
    parallelism: cost.lanes,
    hashLength: OUTPUT_LENGTH,
    outputType: 'binary',
  });
  return new Uint8Array(key);
};
