/**
 * Parity for a file that has none: whoever wrote the file was stopped before. Others may write meanwhile, so parity is
 * never put over parity that is there, and that of a file that was replaced in between is taken away again.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import type { ParitySetting } from './parity-backend.ts';
import { hashInName, parityName, percentFor } from './parity-names.ts';

export interface CompletingOptions extends ParitySetting {
  /** Writes no parity by itself. */
  readonly backend: Pick<Backend, 'get' | 'stat' | 'putNew' | 'delete'>;
  /** Memory for the largest file, where there is some at hand. */
  readonly area?: Uint8Array;
}

/** 'rotten': the file is not what its name says, and gets none. 'nothing': it is gone or was replaced, or others were first. */
export async function completeParityOf(
  name: string,
  { backend, percent, coder, area }: CompletingOptions,
): Promise<'made' | 'rotten' | 'nothing'> {
  const own = percentFor(name, percent);
  const read = area === undefined ? {} : { into: area };
  const bytes = own === undefined ? undefined : await backend.get(name, read);
  if (own === undefined || bytes === undefined) return 'nothing';
  const fileHash = sha256(bytes);
  if (!equalBytes(hashInName(name) ?? fileHash, fileHash)) return 'rotten';
  const parity = await coder.make({ name, bytes, percent: own, packPercent: percent, fileHash });
  if ((await backend.putNew(parityName(name), parity)) === 'exists') return 'nothing';
  if (await isStill(name, fileHash, backend)) return 'made';
  await backend.delete(parityName(name));
  return 'nothing';
}

async function isStill(name: string, fileHash: Uint8Array, backend: Pick<Backend, 'get' | 'stat'>): Promise<boolean> {
  if (hashInName(name) !== undefined) return (await backend.stat(name)) !== undefined;
  const bytes = await backend.get(name);
  return bytes !== undefined && equalBytes(sha256(bytes), fileHash);
}
