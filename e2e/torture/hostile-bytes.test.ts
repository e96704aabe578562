/** The fuzzer, briefly; `npm run torture -- hostile-bytes` goes on for longer. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../bench/data/seeded-random.ts';
import { Coverage } from './fuzz/coverage.ts';
import type { Decoder } from './fuzz/decoder.ts';
import { fuzz } from './fuzz/fuzz.ts';
import { mutate } from './fuzz/mutate.ts';
import { fuzzRounds } from './hostile-bytes.ts';
import { rounds } from './torture-job.ts';

const SEED = 20_261_125;

describe.skipIf(process.platform === 'win32')('hostile bytes', () => {
  test('end in a typed error, in every decoder', { timeout: 600_000 }, async () => {
    const lines: string[] = [];
    await fuzzRounds({ seed: SEED, more: rounds(1), log: (line) => lines.push(line) }, 300);
    console.log(lines[0]);
    expect(lines.length).toBeGreaterThan(25);
  });
});

describe('the fuzzer', () => {
  const seeds = [new Uint8Array([1, 2, 3, 4])];
  const run = (decode: Decoder['decode'], executions = 2000): Promise<number> => {
    const coverage = new Coverage();
    return fuzz({ decoder: { name: 'x', seeds, decode }, seed: 1, executions, coverage }).finally(() =>
      coverage.close(),
    );
  };
  const typed = (): Error => Object.assign(new Error('refused'), { code: 'damaged' });

  test.each<[string, Decoder['decode']]>([
    ['an error without a code', (bytes) => (bytes.length > 4 ? Reflect.get({}, 'x').length : undefined)],
    ['two ways to write it', (bytes) => bytes.slice(0, 4)],
    ['an error without a code', (bytes) => (bytes[0] === 1 ? undefined : Promise.reject(new RangeError('memory')))],
  ])('finds %s', async (what, decode) => {
    await expect(run(decode)).rejects.toThrow(new RegExp(`^x: ${what}: [0-9a-f]*$`));
  });

  test('takes typed errors, and says when a seed is none', async () => {
    const decode: Decoder['decode'] = (bytes) => {
      if (bytes.length !== 4 || bytes[0] !== 1) throw typed();
      return bytes;
    };
    await expect(run(decode)).resolves.toBeGreaterThan(0);
    await expect(
      run(() => {
        throw typed();
      }),
    ).rejects.toThrow(/no valid record/);
  });

  test('changes records the same way from the same seed, and nearly always', () => {
    const record = new SeededRandom('record').bytes(100);
    const all = (): string[] => {
      const random = new SeededRandom('seed');
      return Array.from({ length: 500 }, () => Buffer.from(mutate(record, record, random)).toString('hex'));
    };
    expect(all()).toEqual(all());
    expect(new Set(all()).size).toBeGreaterThan(450);
  });
});
