/**
 * `npm test`: runs the tests in Node and in Chromium; arguments go to vitest. The last line is `N passed, N failed`.
 * It must never pass on a run that did not end by itself.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from './chromium.ts';
import { run } from './run.ts';
import type { TestSummary } from './summary-reporter.ts';

/** The counts of a whole run; a run that died before counting is one failure. */
export async function runTests(args: readonly string[]): Promise<TestSummary> {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-test-'));
  const path = join(folder, 'summary.json');
  try {
    const reporters = ['--reporter=default', '--reporter=./tools/summary-reporter.ts'];
    const code = await run('vitest', ['run', ...reporters, ...args], { KEEPHOLD_TEST_SUMMARY: path });
    const counted = readSummary(path);
    return code !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readSummary(path: string): TestSummary {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestSummary;
  } catch {
    return { passed: 0, failed: 1, skipped: 0, slowest: [] };
  }
}

/** Says aloud what took longest, and what did not run. */
export function reportRun(summary: TestSummary): void {
  console.log('slowest files:');
  for (const { name, seconds } of summary.slowest) console.log(`${seconds.toFixed(1).padStart(7)} s  ${name}`);
  if (summary.skipped > 0) console.log(`${summary.skipped} skipped`);
  if (findChromium() === undefined) console.log('browser tests skipped: needs chromium');
}

if (import.meta.main) {
  const summary = await runTests(process.argv.slice(2));
  reportRun(summary);
  console.log(`${summary.passed} passed, ${summary.failed} failed`);
  if (summary.failed > 0) process.exitCode = 1;
}
