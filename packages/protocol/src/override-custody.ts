/** A custody with some of its calls answered otherwise: for wrappers, which leave everything else to the original. */
import type { Custody } from './custody.ts';

/** Private state stays with the original: its calls never see the wrapper. */
export function overrideCustody(custody: Custody, calls: Partial<Custody>): Custody {
  return new Proxy(custody, {
    get: (target, name) => {
      const own: unknown = Reflect.get(calls, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      // Not bound: V8 takes no bound function for the disposal at the end of `await using`.
      return typeof value === 'function' ? (...given: unknown[]) => Reflect.apply(value, target, given) : value;
    },
  });
}
