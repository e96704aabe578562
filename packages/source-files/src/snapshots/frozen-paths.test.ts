import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrozenPaths, type Place } from './frozen-paths.ts';

const frozen = (root: string): Place => ({ kind: 'frozen', root, gapInode: 2 });

it('reads in the snapshot what is below its top, but not what another top is nearer to', () => {
  const paths = new FrozenPaths();
  paths.set('', frozen('/s/root'));
  paths.set('/home', frozen('/s/home'));
  paths.set('/proc', { kind: 'live' });
  expect(paths.pathOf('')).toBe('/s/root');
  expect(paths.pathOf('/etc/x')).toBe('/s/root/etc/x');
  expect(paths.pathOf('/home')).toBe('/s/home');
  expect(paths.pathOf('/home/ann')).toBe('/s/home/ann');
  expect(paths.pathOf('/homes')).toBe('/s/root/homes');
  expect(paths.pathOf('/proc/1')).toBeUndefined();
  expect([...paths.topsIn('')].sort()).toEqual(['home', 'proc']);
  expect(paths.topsIn('/home')).toEqual([]);
});

it('answers as the longest top that holds a path says', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 })
    .map((names) => names.map((name) => `/${name}`).join(''));
  const tops = fc.uniqueArray(fc.tuple(path, fc.boolean()), { selector: ([top]) => top, maxLength: 6 });
  fc.assert(
    fc.property(tops, path, (entries, wanted) => {
      const paths = new FrozenPaths();
      for (const [top, isFrozen] of entries) paths.set(top, isFrozen ? frozen(`<${top}>`) : { kind: 'live' });
      const [best] = entries
        .filter(([top]) => wanted === top || wanted.startsWith(`${top}/`))
        .sort(([a], [b]) => b.length - a.length);
      expect(paths.pathOf(wanted)).toBe(best?.[1] === true ? `<${best[0]}>${wanted.slice(best[0].length)}` : undefined);
    }),
  );
});
