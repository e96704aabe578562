/** Wrapper that shows what lies beneath one folder of a place as a place of its own. */
import type { Backend, ListedObject } from './backend.ts';
import { checkName } from './name.ts';

export function withinPrefix(backend: Backend, prefix: string): Backend {
  checkName(prefix);
  const full = (name: string): string => {
    // By itself: together with the prefix a bad name could be a good one.
    checkName(name);
    return `${prefix}/${name}`;
  };
  return {
    properties: backend.properties,
    get: async (name, options) => await backend.get(full(name), options),
    stat: async (name) => await backend.stat(full(name)),
    list: async function* (beneath): AsyncGenerator<ListedObject> {
      for await (const { name, ...stat } of backend.list(beneath === '' ? prefix : full(beneath))) {
        yield { ...stat, name: name.slice(prefix.length + 1) };
      }
    },
    put: async (name, bytes, options) => await backend.put(full(name), bytes, options),
    putNew: async (name, bytes, options) => await backend.putNew(full(name), bytes, options),
    touch: async (name) => await backend.touch(full(name)),
    delete: async (name) => await backend.delete(full(name)),
  };
}
