import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { byteCount, flag, integer, integerOr, oneOf, share, text, texts } from './options.ts';
import { parseArguments } from './parse-arguments.ts';

const table = {
  verbose: flag({ short: 'v', help: '' }),
  quiet: flag({ short: 'q', help: '' }),
  target: text({ short: 't', value: 'DIR', help: '' }),
  exclude: texts({ value: 'PATTERN', help: '' }),
  overwrite: oneOf({ choices: ['never', 'if-changed', 'always'], initial: 'if-changed', help: '' }),
  level: integerOr({ value: 'N', min: 1, max: 19, initial: 3, help: '' }),
  days: integer({ value: 'N', min: 0, max: 1000, help: '' }),
  memory: byteCount({ value: 'SIZE', min: 1000, max: 1e12, help: '' }),
  'read-data': share({ value: 'SHARE', bare: 1, help: '' }),
};
const parse = (...args: string[]) => parseArguments(args, table);

describe('parseArguments', () => {
  test('options that were not given have their initial values', () => {
    expect(parse().values).toEqual({
      verbose: false,
      quiet: false,
      target: undefined,
      exclude: [],
      overwrite: 'if-changed',
      level: 3,
      days: undefined,
      memory: undefined,
      'read-data': undefined,
    });
  });

  test('values follow as the next argument or after an equals sign', () => {
    expect(parse('--target', 'a=b', '--level=7').values).toMatchObject({ target: 'a=b', level: 7 });
    expect(parse('--target=a=b').values.target).toBe('a=b');
    expect(parse('--target=').values.target).toBe('');
  });

  test('a required value may begin with a dash', () => {
    expect(parse('--exclude', '--odd').values.exclude).toEqual(['--odd']);
  });

  test('options and operands may be mixed; after -- only operands follow', () => {
    const parsed = parse('a', '-q', 'b', '--', '--verbose', '-');
    expect(parsed.operands).toEqual(['a', 'b', '--verbose', '-']);
    expect(parsed.values).toMatchObject({ quiet: true, verbose: false });
    expect([...parsed.given]).toEqual(['quiet']);
  });

  test('short flags can be joined, a short value can be attached', () => {
    expect(parse('-vq').values).toMatchObject({ verbose: true, quiet: true });
    expect(parse('-vtdir').values).toMatchObject({ verbose: true, target: 'dir' });
    expect(parse('-t', 'dir').values.target).toBe('dir');
  });

  test('an optional value is taken only with an equals sign', () => {
    const parsed = parse('--read-data', '5%');
    expect(parsed.values['read-data']).toBe(1);
    expect(parsed.operands).toEqual(['5%']);
    expect(parse('--read-data=5%').values['read-data']).toBeCloseTo(0.05);
    expect(parse('--read-data=0.25').values['read-data']).toBe(0.25);
  });

  test('stops before the first operand when asked', () => {
    const parsed = parseArguments(['-q', 'backup', '--unknown'], table, { stopAtOperand: true });
    expect(parsed.values.quiet).toBe(true);
    expect(parsed.rest).toEqual(['backup', '--unknown']);
  });

  test.each([
    ['5MB', 5e6],
    ['256MiB', 2 ** 28],
    ['1.5GB', 1.5e9],
    ['2000', 2000],
    ['64k', 64_000],
  ])('reads the size %s', (written, bytes) => {
    expect(parse(`--memory=${written}`).values.memory).toBe(bytes);
  });

  test.each([
    ['--memory=5 parsecs'],
    ['--memory=1'],
    ['--memory='],
    ['--level=0'],
    ['--level=20'],
    ['--level=3.5'],
    ['--level=0x3'],
    ['--level', ''],
    ['--read-data=0'],
    ['--read-data=101%'],
    ['--overwrite=perhaps'],
    ['--target'],
    ['--target', 'a', '--target', 'b'],
    ['--quiet=yes'],
    ['--constructor'],
    ['-x'],
    ['-vx'],
  ])('refuses %s %s', (...args) => {
    expect(() => parse(...args)).toThrow(UsageError);
  });

  test('an unknown option names the nearest one', () => {
    expect(() => parse('--tarqet')).toThrow(expect.objectContaining({ hint: 'did you mean --target?', exitCode: 2 }));
    expect(() => parse('--exc')).toThrow(expect.objectContaining({ hint: 'did you mean --exclude?' }));
  });

  test('never loses an operand and never throws anything but a usage error', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('-q', '--', '--target', '--level=4'))), (args) => {
        try {
          const { operands } = parseArguments(args, table);
          for (const operand of operands) expect(args).toContain(operand);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string()), (operands) => {
        expect(parseArguments(['--', ...operands], table).operands).toEqual(operands);
      }),
    );
  });
});
