import { expect, test } from 'vitest';
import type { Row } from '../measure/steps.ts';
import { toMarkdown } from './markdown.ts';
import { toPlot } from './plot.ts';
import type { Result } from './result.ts';

const row = (tool: string, given: Partial<Row>): Row => ({
  tool,
  set: 'text',
  run: 0,
  step: 'first',
  seconds: 1,
  cpuSeconds: 1,
  peakBytes: 1e6,
  ...given,
});

const result: Result = {
  date: '2026-11-22T03:50:00.000Z',
  runs: 1,
  quick: false,
  machine: {
    cpu: 'A <fast> & cheap',
    cores: 2,
    memoryBytes: 8e9,
    system: 'Linux 6',
    node: 'v24',
    memorySource: 'GNU time',
  },
  tools: ['keephold', 'borg', 'restic'].map((name) => ({ name, version: `${name} 1`, note: 'defaults' })),
  missing: ['kopia'],
  sets: [{ name: 'text', title: 'small files', files: 20_000, bytes: 2e8 }],
  rows: [
    row('keephold', { seconds: 0.5 }),
    row('restic', { seconds: 2 }),
    row('borg', { seconds: 9 }),
    row('restic', { step: 'list', seconds: 3 }),
  ],
  failures: [{ tool: 'borg', set: 'text', run: 0, message: 'exit code 2' }],
};

test('a table has values, ratios to restic, what is missing and what failed', () => {
  const markdown = toMarkdown(result, 'plot.svg');
  expect(markdown).toContain('| first backup, s | 0.50 (0.25) | 9.00 (4.50) | 2.00 |');
  expect(markdown).toContain('| list, s | – | – | 3.00 |');
  expect(markdown).toContain('not installed here: kopia');
  expect(markdown).toContain('- borg, text, run 1: exit code 2');
});

test('a plot has one bar a tool, cuts long ones, and escapes what it shows', () => {
  const plot = toPlot(result) ?? '';
  expect(plot).toContain('>0.25<');
  expect(plot).toContain('>› 4.50<');
  expect(plot).toContain('A &lt;fast&gt; &amp; cheap');
  const widths = [...plot.matchAll(/class="t[01]" x="190" y="\d+\.5" width="([\d.]+)"/g)].map((match) =>
    Number(match[1]),
  );
  expect(widths.slice(0, 2)).toEqual([75, 600]);
});

test('without a peer there is no plot and no ratio', () => {
  const alone = { ...result, tools: result.tools.slice(0, 1) };
  expect(toPlot(alone)).toBeUndefined();
  expect(toMarkdown(alone, undefined)).toContain('| first backup, s | 0.50 |');
});
