/** Every script of this folder, each in a home of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missingPrograms, parseScript, runScript } from './run-script.ts';

const folder = import.meta.dirname;
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

describe.skipIf(process.platform === 'win32').concurrent('command line', () => {
  for (const name of names) {
    test(name.replace('.txt', ''), { timeout: 300_000 }, async (context) => {
      const script = parseScript(readFileSync(join(folder, name), 'utf8'));
      const missing = missingPrograms(script);
      if (missing.length > 0) context.skip(`needs ${missing.join(', ')}`);
      await runScript(script);
    });
  }
});

describe('scripts', () => {
  test('are read', () => {
    const { steps, files, needs, hasCheapPasswords } = parseScript(
      'needs tar\npasswords cheap\n# why\n$3 a b\n!stdout /x+/\nenv A=b c\n-- d/f --\none\n-- g --\n',
    );
    expect(needs).toEqual(['tar']);
    expect(hasCheapPasswords).toBe(true);
    expect(steps).toEqual([
      { line: 4, kind: 'run', command: 'a b', exitCode: 3 },
      { line: 5, kind: 'expect', stream: 'stdout', pattern: /x+/mu, wanted: false },
      { line: 6, kind: 'env', name: 'A', value: 'b c' },
    ]);
    expect([...files]).toEqual([
      ['d/f', 'one\n'],
      ['g', ''],
    ]);
  });

  test.each(['stdout is', 'run x', '$x', 'stdout /(/'])('that make no sense are refused: %s', (line) => {
    expect(() => parseScript(line)).toThrow(SyntaxError);
  });

  test.skipIf(process.platform === 'win32')('fail when an expectation fails', async () => {
    await runScript(parseScript('$ echo one\nstdout /^one$/\nstderr nothing\n'));
    for (const wrong of [
      '$ exit 3',
      '$3 true',
      '$ echo a\nstdout nothing',
      '$ echo a\nstdout /b/',
      '$ echo a\n!stdout /a/',
    ]) {
      await expect(runScript(parseScript(wrong))).rejects.toThrow(/line \d/);
    }
  });
});
