/** Wrapper that tells how long each call of a backend took. Lists are not measured: they last as long as their reader. */
import type { Backend } from './backend.ts';

export type MeasuredCall = 'get' | 'stat' | 'put' | 'putNew' | 'touch' | 'delete';
/** `outcome` is 'failed' when the call rejected. */
export type OnBackendCall = (call: MeasuredCall, outcome: 'done' | 'failed', seconds: number) => void;

export function measured(inner: Backend, onCall: OnBackendCall): Backend {
  const timed = async <T>(call: MeasuredCall, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    let outcome: 'done' | 'failed' = 'failed';
    try {
      const result = await work();
      outcome = 'done';
      return result;
    } finally {
      onCall(call, outcome, (performance.now() - start) / 1000);
    }
  };
  return {
    properties: inner.properties,
    get: async (name, options) => await timed('get', async () => await inner.get(name, options)),
    stat: async (name) => await timed('stat', async () => await inner.stat(name)),
    list: (prefix) => inner.list(prefix),
    put: async (name, bytes, options) => await timed('put', async () => await inner.put(name, bytes, options)),
    putNew: async (name, bytes, options) => await timed('putNew', async () => await inner.putNew(name, bytes, options)),
    touch: async (name) => await timed('touch', async () => await inner.touch(name)),
    delete: async (name) => await timed('delete', async () => await inner.delete(name)),
  };
}
