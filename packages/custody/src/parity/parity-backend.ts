/**
 * Wrapper that keeps a parity file beside every file that is to have one (format.md §11).
 *
 * Order, so that a crash leaves a file without parity and never parity that is wrong: what is not named by its hash loses
 * its parity before it is replaced; a file is durable before its parity; parity goes before its file does.
 */
import type { Backend, PutOptions } from '@keephold/backend';
import type { ParityCoder } from './parity-coder.ts';
import { hashInName, parityName, percentFor } from './parity-names.ts';

export interface ParitySetting {
  /** Of packs: parity blocks for 100 data blocks. */
  readonly percent: number;
  readonly coder: ParityCoder;
}

export function withParity(backend: Backend, setting: ParitySetting): Backend {
  return {
    properties: backend.properties,
    get: async (name, options) => await backend.get(name, options),
    stat: async (name) => await backend.stat(name),
    list: (prefix) => backend.list(prefix),
    touch: async (name) => await backend.touch(name),
    put: async (name, bytes, options) => {
      if (percentFor(name, setting.percent) === undefined) return await backend.put(name, bytes, options);
      if (hashInName(name) === undefined) await backend.delete(parityName(name));
      await storing(backend, setting, { name, bytes, options }, async (more) => {
        await backend.put(name, bytes, more);
        return true;
      });
    },
    putNew: async (name, bytes, options) => {
      if (percentFor(name, setting.percent) === undefined) return await backend.putNew(name, bytes, options);
      let outcome: 'created' | 'exists' = 'created';
      await storing(backend, setting, { name, bytes, options }, async (more) => {
        outcome = await backend.putNew(name, bytes, more);
        return outcome === 'created' || (await lacksParity(backend, name));
      });
      return outcome;
    },
    delete: async (name) => {
      if (percentFor(name, setting.percent) !== undefined) await backend.delete(parityName(name));
      await backend.delete(name);
    },
  };
}

/** Of what is there already: whoever wrote it may have died before. Only what its name proves to be these bytes. */
async function lacksParity(backend: Backend, name: string): Promise<boolean> {
  return hashInName(name) !== undefined && (await backend.stat(parityName(name))) === undefined;
}

interface Storing {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly options: PutOptions | undefined;
}

/** Writes a file and computes its parity meanwhile; `store` answers whether the parity is wanted. */
async function storing(
  backend: Backend,
  { percent, coder }: ParitySetting,
  { name, bytes, options = {} }: Storing,
  store: (options: PutOptions) => Promise<boolean>,
): Promise<void> {
  const own = percentFor(name, percent) ?? percent;
  // By its name: whoever hands it over has just hashed it, and a second time would cost as much as the rest.
  const made = coder.make({ name, bytes, percent: own, packPercent: percent, fileHash: hashInName(name) });
  const { onWritten, ...rest } = options;
  let isWritten = false;
  const [stored, parity] = await Promise.allSettled([store({ ...rest, onWritten: () => (isWritten = true) }), made]);
  // Both have read the bytes now.
  if (isWritten) onWritten?.();
  if (stored.status === 'rejected') throw stored.reason;
  if (!stored.value) return;
  if (parity.status === 'rejected') throw parity.reason;
  await backend.put(parityName(name), parity.value, rest);
}
