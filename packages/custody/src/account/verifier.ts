/** How a keeper verifies signed records: the key-less part of `crypto`. */
import { sha256, verifyStrict } from '@keephold/crypto/verify';
import type { RecordVerifier } from '@keephold/protocol';

export const verifier: RecordVerifier = { sha256, verify: verifyStrict };
