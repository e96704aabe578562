import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createExcluder, describeRule, type ExcluderConfig } from './excluder.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const excluder = (rules: readonly string[], more: Partial<ExcluderConfig> = {}) =>
  createExcluder({ rules, files: [], cachedirTag: true, nobackup: true, ...more });
const hasGit = spawnSync('git', ['--version']).status === 0;

/** Verdict as git gives it: the entry or a directory above it is excluded. */
function isExcluded(rules: readonly string[], path: string): boolean {
  const isDirectory = path.endsWith('/');
  return excluder(rules).explain(bytes(isDirectory ? path.slice(0, -1) : path), isDirectory) !== undefined;
}

function gitVerdicts(rules: readonly string[], paths: readonly string[]): readonly boolean[] {
  const folder = mkdtempSync(join(tmpdir(), 'kh-ignore-'));
  try {
    execFileSync('git', ['init', '-q'], { cwd: folder });
    writeFileSync(join(folder, '.git/info/exclude'), rules.join('\n'));
    // Directories are made and asked for without their slash, which git would take for part of the name.
    for (const path of paths) if (path.endsWith('/')) mkdirSync(join(folder, path), { recursive: true });
    const answer = spawnSync('git', ['check-ignore', '--no-index', '--verbose', '--non-matching', '-z', '--stdin'], {
      cwd: folder,
      input: paths.map((path) => path.replace(/\/$/, '')).join('\0'),
    });
    // Four fields a path: source, line, pattern, path; a '!' pattern means kept.
    const fields = answer.stdout.toString('latin1').split('\0');
    return paths.map((_, index) => (fields[index * 4 + 2] ?? '') !== '' && !fields[index * 4 + 2]?.startsWith('!'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('exclude rules', () => {
  const cases: readonly (readonly [rule: string, excluded: string, kept: string])[] = [
    ['*.o', 'a/b.o', 'a/b.c'],
    ['/build', 'build/x', 'a/build'],
    ['build/', 'a/build/', 'a/build'],
    ['a/*.txt', 'a/b.txt', 'a/c/b.txt'],
    ['a/**/z', 'a/z', 'b/z'],
    ['a/**/z', 'a/b/c/z', 'z'],
    ['**/node_modules', 'x/y/node_modules/', 'x/node_module'],
    ['logs/**', 'logs/a/b', 'logs'],
    ['a?c', 'abc', 'a/c'],
    ['[!a]x', 'bx', 'ax'],
    ['[[:digit:]]*', '1a', 'a1'],
    ['\\#x', '#x', 'x'],
    ['\\!x', '!x', 'x'],
    ['x\\ ', 'x ', 'x'],
    ['x  ', 'x', 'x  '],
    ['Case', 'Case', 'case'],
    ['a**b', 'axxb', 'a/b'],
    ['né*', 'néx', 'nex'],
    ['new\nline', 'new\nline', 'new'],
  ];
  it.each(cases)('%j leaves out %j and keeps %j', (rule, excluded, kept) => {
    expect([isExcluded([rule], excluded), isExcluded([rule], kept)]).toEqual([true, false]);
  });

  it('lets the last matching rule decide, and takes nothing back below an excluded directory', () => {
    expect(isExcluded(['*.log', '!keep.log'], 'a/keep.log')).toBe(false);
    expect(isExcluded(['!keep.log', '*.log'], 'a/keep.log')).toBe(true);
    expect(isExcluded(['a/', '!a/keep'], 'a/keep')).toBe(true);
    expect(isExcluded(['a/*', '!a/keep'], 'a/keep')).toBe(false);
  });

  it('matches names that are no valid UTF-8, byte by byte', () => {
    const name = Uint8Array.of(0xff, 0x61, 0xfe);
    expect(excluder(['?a?']).excludedEntry(name, name, false)?.pattern).toBe('?a?');
    expect(excluder(['??a']).excludedEntry(name, name, false)).toBeUndefined();
    expect(excluder(['?']).excludedEntry(bytes('é'), bytes('é'), false)).toBeUndefined();
    expect(excluder(['ö']).excludedEntry('\xc3\xb6', '\xc3\xb6', false)).toBeDefined();
  });

  it('ignores comments, empty lines and what can match nothing', () => {
    for (const rule of ['', '   ', '# x', '/', '!', '[a', 'a\\']) {
      expect(excluder([rule]).excludedEntry('a', 'a', true)).toBeUndefined();
    }
  });

  it('understands absolute patterns below a backup root', () => {
    const rooted = excluder(['/home/me/Downloads', '!/home/me/Downloads/keep'], { roots: ['/home/me'] });
    expect(rooted.excludedEntry('Downloads', 'Downloads', true)?.pattern).toBe('/Downloads');
    expect(rooted.excludedEntry('home/me/Downloads', 'Downloads', true)).toBeUndefined();
  });

  it('says which rule of which file it was', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kh-rules-'));
    const file = join(folder, 'rules');
    writeFileSync(file, '\ufeff# caches\r\n*.tmp\r\n\n/café/\n');
    const rules = excluder(['!keep.tmp'], { files: [file] });
    const tmp = rules.excludedEntry('a.tmp', 'a.tmp', false);
    expect(tmp && describeRule(tmp)).toBe(`excluded by '*.tmp' (${file}:2)`);
    expect(rules.excludedEntry('keep.tmp', 'keep.tmp', false)).toBeUndefined();
    const why = rules.explain(bytes('café/x/y'), false);
    expect(why?.reason).toBe(`excluded by '/café/' (${file}:4)`);
    expect(Buffer.from(why?.path ?? []).toString()).toBe('café');
    rmSync(folder, { recursive: true });
    expect(() => excluder([], { files: [file] })).toThrow(/read exclude rules: ENOENT/);
  });

  describe.skipIf(!hasGit)('compared with git', () => {
    const agree = (rules: readonly string[], all: readonly string[]) => {
      const isParent = (path: string) => all.some((other) => other.endsWith('/') && other.startsWith(`${path}/`));
      const paths = all.filter((path) => !isParent(path));
      expect(paths.map((path) => [path, isExcluded(rules, path)])).toEqual(
        gitVerdicts(rules, paths).map((verdict, index) => [paths[index], verdict]),
      );
    };
    const plain = [
      'a',
      'b',
      'ab',
      '*',
      '**',
      '?',
      '/',
      '/',
      '.',
      '[ab]',
      '[!a]',
      '[a-',
      ']',
      '\\',
      '!',
      '#',
      ' ',
      '-',
      '***',
    ];
    const odd = ['[^b-a]', '[[:alpha:]]', '[[:nope:]]', '[]a]', '[a\\]]', '[a/b]', '\\*', 'é', '**/', '/**', '/**/'];
    const piece = fc.constantFrom(...plain, ...odd);
    // Git takes 'a**/b' for 'a' + '**/b' (it strips the plain start first), against its own manual; we follow the manual.
    const pattern = fc
      .array(piece, { minLength: 1, maxLength: 5 })
      .map((pieces) => pieces.join(''))
      .filter((text) => !/[^/*]\*\*/.test(text));
    const name = fc
      .array(fc.constantFrom('a', 'b', 'ab', '.', '*', ' ', 'é', ']', '-', '!', '#', '\\', '['), {
        minLength: 1,
        maxLength: 3,
      })
      .map((pieces) => pieces.join(''))
      .filter((text) => text !== '.' && text !== '..');
    const path = fc
      .tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([names, isDirectory]) => names.join('/') + (isDirectory ? '/' : ''));

    it('agrees on random rules and paths', () => {
      const lists = fc.tuple(
        fc.array(pattern, { minLength: 1, maxLength: 6 }),
        fc.array(path, { minLength: 40, maxLength: 80 }),
      );
      fc.assert(
        fc.property(lists, ([rules, paths]) => agree(rules, paths)),
        { numRuns: 30, endOnFailure: true },
      );
    });
  });
});

describe('marked directories', () => {
  const signature = bytes('Signature: 8a477f597d28d172789f06886806bc55\n# more');
  const names = ['a', 'CACHEDIR.TAG'].map(bytes);

  it('keeps only the tag of a tagged cache', () => {
    const found = excluder([]).excludedContents(names, () => signature.subarray(0, 43));
    expect(found?.reason).toMatch(/CACHEDIR\.TAG/);
    expect(Buffer.from(found?.keeps ?? []).toString()).toBe('CACHEDIR.TAG');
    expect(excluder([]).excludedContents(['CACHEDIR.TAG'], () => signature)).toBeDefined();
  });

  it('wants the signature, and reads no tag where there is none', () => {
    expect(excluder([]).excludedContents(names, () => signature.subarray(0, 42))).toBeUndefined();
    expect(excluder([]).excludedContents(names, () => undefined)).toBeUndefined();
    const untagged = excluder([]).excludedContents([bytes('x')], () => expect.fail('read a tag'));
    expect(untagged).toBeUndefined();
  });

  it('leaves out what has a .nobackup beside it', () => {
    expect(excluder([]).excludedContents([bytes('.nobackup')], () => undefined)).toEqual({
      reason: 'the directory has a .nobackup',
      keeps: undefined,
    });
    const off = excluder([], { nobackup: false, cachedirTag: false });
    expect(off.excludedContents(['.nobackup', 'CACHEDIR.TAG'], () => signature)).toBeUndefined();
  });
});

describe('speed', () => {
  // One to two microseconds when measured alone; the bar leaves room for a busy machine.
  it('decides on an entry in microseconds with a usual list of rules', () => {
    const rules = [
      'node_modules/',
      '*.o',
      '*.pyc',
      '.cache',
      '/Downloads',
      '*~',
      '.Trash*',
      '**/target/debug',
      '*.tmp',
    ];
    const subject = excluder(rules);
    const paths = Array.from(
      { length: 100_000 },
      (_, i) => `home/project-${i % 100}/src/module-${i % 1000}/file-${i}.ts`,
    );
    const started = performance.now();
    let hits = 0;
    for (const path of paths) {
      if (subject.excludedEntry(path, path.slice(path.lastIndexOf('/') + 1), false) !== undefined) hits++;
    }
    const microseconds = ((performance.now() - started) * 1000) / paths.length;
    expect(hits).toBe(0);
    expect(microseconds).toBeLessThan(100);
  });
});
