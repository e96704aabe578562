/**
 * Loaded before the command by tests whose subject is something else: Argon2id with the least memory and one pass. What a
 * password opens stays the same, only guessing it would be cheap; and stretching touches no file, so that no crash can
 * tell the difference.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** Of each lane, in KiB (RFC 9106 §3.1). */
const LEAST_MEMORY = 8;

const stretch = crypto.argon2;
crypto.argon2 = (algorithm, parameters, callback) => {
  stretch(algorithm, { ...parameters, memory: LEAST_MEMORY * parameters.parallelism, passes: 1 }, callback);
};
syncBuiltinESMExports();
