/**
 * A vitest reporter that leaves the counts of a run, and what took longest, in the file named by KEEPHOLD_TEST_SUMMARY.
 * It prints nothing.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Files, the slowest first. */
  readonly slowest: readonly SlowFile[];
}

interface SlowFile {
  /** As vitest tells it: the project, and the path from the root. */
  readonly name: string;
  /** Of its tests and hooks, by the clock. */
  readonly seconds: number;
}

const SLOWEST = 10;

/** A module that cannot be loaded and an error outside any test count as failures: no test may vanish silently. */
function summarize(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): TestSummary {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const having = (state: string): number => tests.filter((test) => test.result().state === state).length;
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const brokenSuites = suites.filter((suite) => suite.errors().length > 0).length;
  const unfinished = having('pending');
  return {
    passed: having('passed'),
    failed: having('failed') + unfinished + brokenSuites + strayErrors.length,
    skipped: having('skipped'),
    slowest: modules
      .map((module) => ({
        name: `${module.project.name} ${module.relativeModuleId}`,
        seconds: module.diagnostic().duration / 1000,
      }))
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, SLOWEST),
  };
}

class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): void {
    const path = process.env['KEEPHOLD_TEST_SUMMARY'];
    if (path !== undefined) writeFileSync(path, JSON.stringify(summarize(modules, strayErrors)));
  }
}

// oxlint-disable-next-line import/no-default-export -- vitest loads reporters by their default export.
export default SummaryReporter;
