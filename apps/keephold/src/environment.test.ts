import { expect, test } from 'vitest';
import { foldersOf, readEnvironment } from './environment.ts';

test('XDG folders on Linux, with their defaults', () => {
  expect(foldersOf({}, 'linux', '/home/me')).toEqual({
    config: '/home/me/.config/keephold',
    state: '/home/me/.local/state/keephold',
    cache: '/home/me/.cache/keephold',
    data: '/home/me/.local/share/keephold',
  });
  expect(foldersOf({ XDG_STATE_HOME: '/s', XDG_CACHE_HOME: 'relative' }, 'linux', '/home/me')).toMatchObject({
    state: '/s/keephold',
    cache: '/home/me/.cache/keephold',
  });
});

test('Library on macOS', () => {
  expect(foldersOf({}, 'darwin', '/Users/me')).toEqual({
    config: '/Users/me/Library/Application Support/Keephold/config',
    state: '/Users/me/Library/Application Support/Keephold/state',
    cache: '/Users/me/Library/Caches/Keephold',
    data: '/Users/me/Library/Application Support/Keephold/data',
  });
});

test('empty variables count as not set', () => {
  const environment = readEnvironment({ KEEPHOLD_REPO: '', KEEPHOLD_PASSWORD: 'x', TERM: 'dumb' }, 'linux');
  expect(environment).toMatchObject({ repository: undefined, password: 'x', hasSessionBus: false, canRedraw: false });
});
