import { expect, test } from 'vitest';
import type { Row } from '../measure/steps.ts';
import { median, summarize } from './summary.ts';

const row = (given: Partial<Row>): Row => ({
  tool: 'a',
  set: 'text',
  run: 0,
  step: 'first',
  seconds: 1,
  cpuSeconds: 1,
  peakBytes: 1e6,
  ...given,
});

test('the median of an even number lies between the middle two', () => {
  expect(median([4, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeUndefined();
});

test('a summary takes only its own rows and leaves out what was not measured', () => {
  const rows = [
    row({ seconds: 3, repositoryBytes: 5e6 }),
    row({ seconds: 9 }),
    row({ seconds: 4 }),
    row({ tool: 'b', seconds: 100 }),
    row({ set: 'media', seconds: 100 }),
  ];
  expect(Object.fromEntries(summarize(rows, 'a', 'text'))).toEqual({ first: 4, stored: 5, memory: 1 });
});

test('peak memory is that of the hungriest step, and one outlier of it does not count', () => {
  const rows = [1, 2, 90].map((mb) => row({ step: 'check', peakBytes: mb * 1e6 })).concat(row({ peakBytes: 1.5e6 }));
  expect(summarize(rows, 'a', 'text').get('memory')).toBe(2);
});

test('added bytes are those of the change, not of the run without one', () => {
  const rows = [row({ step: 'unchanged', addedBytes: 7e6 }), row({ step: 'changed', addedBytes: 3e6 })];
  expect(summarize(rows, 'a', 'text').get('added')).toBe(3);
});
