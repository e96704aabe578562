import { describe, expect, it } from 'vitest';
import { createSelector } from './selector.ts';

const ask = (selector: ReturnType<typeof createSelector>, path: string) => {
  const isDirectory = path.endsWith('/');
  return selector.select(Buffer.from(isDirectory ? path.slice(0, -1) : path), isDirectory);
};

describe('selection for a restore', () => {
  it('takes everything when nothing is said', () => {
    expect(ask(createSelector({ include: [], exclude: [] }), 'a/b')).toBe('selected');
  });

  it('takes what is included with all below it, and looks into other directories', () => {
    const selector = createSelector({ include: ['/docs/letters/', '*.jpg'], exclude: [] });
    const paths = ['docs/', 'docs/letters/', 'docs/letters/a/b', 'docs/x', 'docs/letters', 'p/x.jpg', 'p/'];
    expect(paths.map((path) => ask(selector, path))).toEqual([
      'descend',
      'selected',
      'selected',
      'skipped',
      'skipped',
      'selected',
      'descend',
    ]);
  });

  it('lets an exclude win, for everything below it', () => {
    const selector = createSelector({ include: ['docs'], exclude: ['tmp/', '*.bak'] });
    const paths = ['docs/tmp/', 'docs/tmp/docs', 'docs/a.bak', 'docs/a', 'tmp/docs', 'other'];
    expect(paths.map((path) => ask(selector, path))).toEqual([
      'skipped',
      'skipped',
      'skipped',
      'selected',
      'skipped',
      'skipped',
    ]);
  });

  it('takes the root when only excludes are given, and directories with more answers than it remembers', () => {
    const selector = createSelector({ include: [], exclude: ['x'] });
    expect(ask(selector, '/')).toBe('selected');
    for (let i = 0; i < 10_050; i++) expect(ask(selector, `d${i}/`)).toBe('selected');
    expect(ask(selector, 'd1/x')).toBe('skipped');
  });
});
