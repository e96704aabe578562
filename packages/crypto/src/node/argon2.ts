/** Argon2id by Node's OpenSSL, on a thread of its pool; the memory is free again when it ends. */

import { argon2 } from 'node:crypto';
import type * as contract from '#primitives/argon2';

const OUTPUT_LENGTH = 32;

export const computeArgon2id: typeof contract.computeArgon2id = ({ password, salt, cost }) =>
  new Promise((resolve, reject) => {
    const parameters = {
      message: password,
      nonce: salt,
      memory: cost.memoryKiB,
      passes: cost.passes,
      parallelism: cost.lanes,
      tagLength: OUTPUT_LENGTH,
    };
    argon2('argon2id', parameters, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
