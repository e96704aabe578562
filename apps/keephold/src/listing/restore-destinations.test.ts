import { expect, test } from 'vitest';
import { inPlaceDestination, targetDestination } from './restore-destinations.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const place = (path: string, isDirectory = true) => ({ path: bytes(path), isDirectory });

test('a target takes whatever the path contains', () => {
  expect(targetDestination(place('home/me'), '/tmp/out')).toEqual({ path: bytes('home/me'), root: '/tmp/out' });
});

test('in place is where it was', () => {
  expect(inPlaceDestination(place('home/me'), 'linux').root).toBe('/home/me');
  expect(inPlaceDestination(place('home/me/a.txt', false), 'linux').root).toBe('/home/me');
  expect(inPlaceDestination(place('a.txt', false), 'linux').root).toBe('/');
  expect(inPlaceDestination(place('C/Users/me'), 'win32').root).toBe('C:\\Users\\me');
  expect(inPlaceDestination(place('C'), 'win32').root).toBe('C:\\');
});

test('a folder with a name that is no text needs a target', () => {
  expect(() => inPlaceDestination({ path: Uint8Array.of(0xff), isDirectory: true })).toThrow(/--target|no valid text/);
});
