/** The checks that public records need, from `crypto`. */
import { sha256, verifyStrict } from '@keephold/crypto';
import type { RecordVerifier } from '@keephold/protocol';

export const recordVerifier: RecordVerifier = { sha256, verify: verifyStrict };
