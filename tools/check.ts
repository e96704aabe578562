/**
 * `npm run check`: the one gate, fastest step first. Every step runs even after a failure, so that one run shows all;
 * each counts as one check beside the tests. The last line is `N passed, N failed`.
 */
import { run } from './run.ts';
import { reportRun, runTests } from './test.ts';

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const steps: readonly Step[] = ['format', 'lint', 'generated', 'types', 'layers', 'dead-code'].map((name) => ({
  name,
  command: 'npm',
  args: ['run', '--silent', name],
}));

async function runStep(step: Step): Promise<boolean> {
  const started = performance.now();
  console.log(`\n── ${step.name}`);
  const ok = (await run(step.command, step.args)) === 0;
  console.log(`${step.name}: ${ok ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return ok;
}

const failedSteps: string[] = [];
for (const step of steps) if (!(await runStep(step))) failedSteps.push(step.name);

console.log('\n── tests');
const summary = await runTests([]);
reportRun(summary);
if (failedSteps.length > 0) console.log(`failed steps: ${failedSteps.join(', ')}`);
const passed = summary.passed + steps.length - failedSteps.length;
const failed = summary.failed + failedSteps.length;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
