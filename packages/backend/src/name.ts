/**
 * Names of objects: segments joined by '/', each of a–z, 0–9, '.', '_' and '-', starting with a letter or digit. So no
 * name leaves its folder, hides, or means another one where case does not count.
 */
import { BackendError } from './errors.ts';

const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,126}$/;
const MAX_SEGMENTS = 8;

/** @throws BackendError 'bad-name' */
export function checkName(name: string): void {
  const segments = name.split('/');
  if (segments.length > MAX_SEGMENTS || !segments.every(isSegment)) {
    throw new BackendError('bad-name', `use object name: not an allowed name: ${JSON.stringify(name.slice(0, 200))}`);
  }
}

export function isSegment(text: string): boolean {
  // Windows strips trailing dots: two spellings would be one file.
  return SEGMENT.test(text) && !text.endsWith('.');
}
