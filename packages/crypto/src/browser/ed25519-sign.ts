/** Ed25519 keys and signatures by noble: WebCrypto's are asynchronous and not in every browser. */

import { ed25519 } from '@noble/curves/ed25519.js';
import type * as contract from '#primitives/ed25519-sign';

export const ed25519PublicKey: typeof contract.ed25519PublicKey = (seed) => new Uint8Array(ed25519.getPublicKey(seed));

export const signEd25519: typeof contract.signEd25519 = (seed, message) => new Uint8Array(ed25519.sign(message, seed));
