import type { Snapshot } from '@keephold/engine';
import { expect, it } from 'vitest';
import { selectTurn } from './select-turn.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Which turns an entry is restored in. */
function turnsOf(text: string, roots: readonly string[], leftOut: readonly string[] = []): string {
  const snapshot = { paths: roots.map(bytes) } as unknown as Snapshot;
  const part = { snapshot, path: bytes(''), root: '/', leftOut: leftOut.map(bytes), isBeside: false };
  const isDirectory = text.endsWith('/');
  const path = bytes(isDirectory ? text.slice(0, -1) : text);
  return (['first', 'rest'] as const)
    .filter((turn) => selectTurn(part, turn, () => 'selected')(path, isDirectory) === 'selected')
    .join(' ');
}

it('gives every entry one turn, and settings, documents and the desktop the first', () => {
  const first = [
    'Documents/',
    'Documents/a/b',
    'Desktop/x',
    '.bashrc',
    '.ssh/id',
    '.local/share/keyrings/',
    'Área de trabalho/x',
  ];
  const rest = ['Pictures/', 'Pictures/Documents/x', 'film', '.cache/', '.local/', '.local/share/x', 'Documentsx/', ''];
  for (const root of ['home/me', 'Users/me', 'C/Users/me', 'srv/me']) {
    for (const path of first) expect(turnsOf(`${root}/${path}`, [root]), path).toBe('first');
    for (const path of rest) expect(turnsOf(`${root}/${path}`, [root]), path).toBe('rest');
  }
  expect(turnsOf('home/me/Documents/letters/x', ['home/me/Documents/letters'])).toBe('first');
  expect(turnsOf('home/me/Desktop/', [''])).toBe('first');
  // As the system writes it.
  expect(turnsOf('srv/me/Documents/', ['/srv/me'])).toBe('first');
  expect(['home/', 'home/', 'C/Users/', 'srv/photos/x', 'home/'].map((path) => turnsOf(path, ['']))).toEqual(
    Array.from({ length: 5 }, () => 'rest'),
  );
});

it('looks on the first turn into every folder above what comes first, and into no other', () => {
  const part = {
    snapshot: { paths: [bytes('srv/me')] } as unknown as Snapshot,
    path: bytes('srv'),
    root: '/',
    leftOut: [],
    isBeside: false,
  };
  const first = selectTurn(part, 'first', () => 'selected');
  expect(['', 'me', 'me/.local', 'me/.local/share', 'me/Pictures'].map((path) => first(bytes(path), true))).toEqual([
    ...Array.from({ length: 4 }, () => 'descend'),
    'skipped',
  ]);
});

it('leaves out what another snapshot gives', () => {
  expect(turnsOf('home/me/Documents/x', ['home/me'], ['home/me/Documents'])).toBe('');
});
