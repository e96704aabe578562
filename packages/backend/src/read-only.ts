/** Wrapper that lets nobody change a place: for reading what others keep there. */
import type { Backend } from './backend.ts';
import { BackendError } from './errors.ts';

export function readOnly(backend: Backend): Backend {
  const refuse = async (name: string): Promise<never> => {
    throw new BackendError('read-only', `write ${name}: this place is only read`);
  };
  return {
    properties: backend.properties,
    get: async (name, options) => await backend.get(name, options),
    stat: async (name) => await backend.stat(name),
    list: (prefix) => backend.list(prefix),
    put: refuse,
    putNew: refuse,
    touch: refuse,
    delete: refuse,
  };
}
