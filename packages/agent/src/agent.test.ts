/** Weeks of a machine's life in a moment. */
import { parseDayWindow } from '@keephold/conditions';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeMachine } from './_fake-machine.ts';
import type { AgentPlan } from './agent-plan.ts';
import { parseGoal } from './timing/goal.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function plan(name: string, goal = '24h', rules: AgentPlan['rules'] = {}): AgentPlan {
  return { name, mark: 'mark', goal: parseGoal(goal)!, rules };
}

function started(...plans: readonly AgentPlan[]): FakeMachine {
  return startedAs({}, ...plans);
}

function startedAs(
  how: Partial<Pick<FakeMachine, 'runTakes' | 'outcome'>>,
  ...plans: readonly AgentPlan[]
): FakeMachine {
  const machine = Object.assign(new FakeMachine(...plans), how);
  machine.startAgent();
  return machine;
}

const hours = (machine: FakeMachine): number[] => machine.runs.map(({ began }) => Math.floor(began / HOUR));
const told = (machine: FakeMachine): string[] =>
  machine.entries.map((entry) => (entry.kind === 'wait' ? `wait ${entry.code}` : entry.kind));

test('a plan runs at once, and again when three quarters of its goal have passed', async () => {
  const machine = started(plan('home'));
  await machine.pass(2 * DAY);
  expect(hours(machine)).toEqual([0, 18, 36]);
});

test('setting the clock neither brings a run nor keeps one off', async () => {
  const machine = started(plan('home'));
  for (const change of [400 * DAY, -800 * DAY, 17 * HOUR, -DAY]) {
    await machine.pass(4 * HOUR);
    machine.offset += change;
  }
  await machine.pass(3 * HOUR);
  expect(hours(machine)).toEqual([0, 18]);
});

test('after sleep the goal decides, and the ledger says why nothing ran', async () => {
  const machine = started(plan('home'));
  await machine.pass(HOUR);
  await machine.sleep(3 * DAY);
  await machine.pass(MINUTE);
  expect(hours(machine)).toEqual([0, 73]);
  expect(machine.entries).toContainEqual(expect.objectContaining({ kind: 'away', cause: 'asleep' }));
});

test('one short sleep after another does not run it more often', async () => {
  const machine = started(plan('home'));
  for (let i = 0; i < 35; i++) {
    await machine.pass(5 * MINUTE);
    await machine.sleep(25 * MINUTE);
  }
  expect(hours(machine)).toEqual([0]);
});

test('what was going when the machine went down is begun again soon, and once', async () => {
  const machine = startedAs({ runTakes: HOUR }, plan('home'));
  await machine.pass(10 * MINUTE);
  machine.restart(2 * MINUTE);
  await machine.pass(3 * HOUR);
  expect(machine.runs.map(({ outcome }) => outcome)).toEqual(['lost', 'complete']);
  expect(machine.runs[1]!.began).toBeLessThan(15 * MINUTE);
});

test('a clock set back after a start puts a run off for no longer than the machine has been up', async () => {
  const machine = started(plan('home'));
  await machine.pass(10 * HOUR);
  machine.restart(MINUTE);
  await machine.pass(3 * HOUR);
  machine.offset -= 12 * HOUR;
  await machine.pass(15 * HOUR + 2 * MINUTE);
  expect(hours(machine)).toEqual([0, 28]);
});

test('a run that fails is tried again later and later, within a quarter of the goal', async () => {
  const machine = startedAs({ outcome: 'failed', runTakes: 0 }, plan('home', '4h'));
  await machine.pass(10 * HOUR);
  const gaps = machine.runs.slice(1).map(({ began }, i) => Math.round((began - machine.runs[i]!.began) / MINUTE));
  expect(gaps.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(machine.entries).toContainEqual(expect.objectContaining({ kind: 'wait', code: 'failed' }));
});

test('runs that cannot be written down are not begun over and over', async () => {
  const machine = started(plan('home', '4h'));
  machine.canWrite = false;
  await machine.pass(4 * HOUR);
  expect(hours(machine)).toEqual([0, 3]);
  expect(machine.events.filter(({ type }) => type === 'trouble')).toHaveLength(1);
});

test('a condition that is not met holds a run back, is told once, and its end starts the run', async () => {
  const machine = started(plan('home', '24h', { onMains: true }));
  machine.change({ power: { source: 'battery', level: 0.9 } });
  for (let level = 0.9; level > 0.2; level -= 0.01) {
    machine.change({ power: { source: 'battery', level } });
    await machine.pass(10 * MINUTE);
  }
  expect(machine.runs).toEqual([]);
  expect(told(machine)).toEqual(['wait on-battery']);
  machine.change({ power: { source: 'mains' } });
  expect(machine.runs).toHaveLength(1);
});

test('a run is stopped at once when a condition is lost, and a flickering one does not start ten', async () => {
  const machine = startedAs({ runTakes: HOUR }, plan('home', '24h', { onMains: true }));
  for (let i = 0; i < 60; i++) {
    machine.change({ power: { source: 'mains' } });
    await machine.pass(500);
    machine.change({ power: { source: 'battery' } });
    expect(machine.runs.every(({ ended }) => ended !== undefined)).toBe(true);
    await machine.pass(500);
  }
  expect(machine.runs).toHaveLength(1);
});

test('a pause stops and holds, ends by itself whatever the clock is set to, and tells when', async () => {
  const machine = startedAs({ runTakes: HOUR }, plan('home'));
  await machine.pass(MINUTE);
  machine.pauses = [{ from: machine.now, for: 2 * HOUR }];
  machine.agent!.look();
  expect(machine.runs[0]!.outcome).toBe('stopped');
  await machine.pass(MINUTE);
  machine.offset -= 5 * DAY;
  await machine.pass(HOUR);
  expect(machine.agent!.states()).toMatchObject([
    { state: 'waiting', why: { code: 'paused', until: expect.any(Number) } },
  ]);
  await machine.pass(HOUR);
  expect(machine.runs).toHaveLength(2);
});

test('plans run one after the other, the oldest by its own goal first', async () => {
  const machine = startedAs({ runTakes: 10 * MINUTE }, plan('slow', '48h'), plan('quick', '1h'));
  await machine.pass(35 * MINUTE);
  await machine.sleep(2 * DAY);
  await machine.pass(15 * MINUTE);
  expect(machine.runs.map(({ plan: name }) => name)).toEqual(['slow', 'quick', 'quick', 'slow']);
  expect(told(machine)).toContain('wait other-plan');
});

test('the end of the agent ends the run, which is then known as stopped', async () => {
  const machine = startedAs({ runTakes: HOUR }, plan('home'));
  await machine.pass(MINUTE);
  await machine.agent!.stop();
  expect(machine.runs.map(({ outcome }) => outcome)).toEqual(['stopped']);
  await machine.pass(DAY);
  expect(machine.runs).toHaveLength(1);
});

test('a plan that backs up something else now is due, however young the backup of what it was', async () => {
  const machine = started(plan('home'));
  await machine.pass(HOUR);
  machine.plans = [{ ...plan('home'), mark: 'other folders' }];
  machine.agent!.look();
  expect(machine.runs).toHaveLength(2);
});

type Turn = (machine: FakeMachine) => Promise<void> | void;
const span = fc.integer({ min: 1000, max: 3 * DAY });
const change = fc.oneof(fc.constant(0), fc.integer({ min: -30 * DAY, max: 30 * DAY }));
const turn: fc.Arbitrary<Turn> = fc.oneof(
  span.map(
    (time): Turn =>
      (machine) =>
        machine.pass(time),
  ),
  span.map(
    (time): Turn =>
      (machine) =>
        machine.sleep(time),
  ),
  change.map(
    (by): Turn =>
      (machine) => {
        machine.offset += by;
      },
  ),
  fc.tuple(span, change).map(
    ([time, by]): Turn =>
      (machine) =>
        machine.restart(time, by),
  ),
  fc.integer({ min: 0, max: DAY }).map(
    (time): Turn =>
      (machine) =>
        machine.killAgent(time),
  ),
  fc.integer({ min: 0, max: 5 * HOUR }).map(
    (time): Turn =>
      (machine) => {
        machine.runTakes = time;
      },
  ),
  fc.constantFrom('complete' as const, 'failed' as const, 'partial' as const).map(
    (outcome): Turn =>
      (machine) => {
        machine.outcome = outcome;
      },
  ),
  fc.constantFrom('mains' as const, 'battery' as const).map(
    (source): Turn =>
      (machine) => {
        machine.change({ power: { source } });
      },
  ),
  fc.option(fc.integer({ min: MINUTE, max: DAY })).map(
    (time): Turn =>
      (machine) => {
        machine.pauses = time === null ? [] : [{ from: machine.now, for: time }];
        machine.agent!.look();
      },
  ),
);

test('whatever happens to the machine, no plan runs too often, and none is overdue without a reason', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 40 }), async (turns) => {
      const machine = started(plan('home', '24h', { onMains: true }));
      machine.change({ power: { source: 'mains' } });
      for (const take of turns) {
        await take(machine);
        await machine.pass(0);
        machine.agent!.look();
        expectExplained(machine);
      }
      expectNotTooOften(machine);
    }),
    { numRuns: 100 },
  );
});

/** Whoever is due runs, or the newest entry says why not. */
function expectExplained(machine: FakeMachine): void {
  const [state] = machine.agent!.states();
  const newest = machine.entries.findLast((entry) => entry.kind !== 'away');
  if (state!.state === 'waiting') expect(newest).toMatchObject({ kind: 'wait', code: state!.why!.code });
  else expect(['running', 'idle', 'due']).toContain(state!.state);
  const good = machine.runs.findLast(({ outcome }) => outcome === 'complete' || outcome === 'partial');
  // Since the last start of the machine the truth is known, whatever the clock says.
  const isKnown = good?.boot === machine.boot;
  if (isKnown && state!.state === 'idle') expect(machine.time - good.began).toBeLessThan(0.75 * DAY + MINUTE);
  if (good === undefined && machine.plans.length > 0) expect(state!.state).not.toBe('idle');
}

function expectNotTooOften(machine: FakeMachine): void {
  for (const [i, run] of machine.runs.entries()) {
    const before = machine.runs[i - 1];
    if (before === undefined || before.boot !== run.boot) continue;
    const isGood = before.outcome === 'complete' || before.outcome === 'partial';
    if (isGood) expect(run.began - before.began).toBeGreaterThanOrEqual(0.75 * DAY);
    else expect(run.began - before.ended!).toBeGreaterThanOrEqual(MINUTE - 1000);
  }
}

const asks = (machine: FakeMachine): number[] =>
  machine.events.flatMap((event) => (event.type === 'needs-you' ? [Math.floor(event.silentMs / DAY)] : []));

test('a plan that is held back for three days asks once a day, until it was backed up', async () => {
  const machine = new FakeMachine(plan('home', '24h', { onMains: true }));
  machine.readings = { power: { source: 'mains' } };
  machine.startAgent();
  await machine.pass(HOUR);
  machine.change({ power: { source: 'battery' } });
  await machine.pass(2.9 * DAY);
  expect(asks(machine)).toEqual([]);
  await machine.pass(2.5 * DAY);
  expect(asks(machine)).toEqual([3, 4, 5]);
  expect(machine.agent?.states()[0]).toMatchObject({ state: 'waiting', silentMs: expect.any(Number) as number });
  machine.change({ power: { source: 'mains' } });
  await machine.pass(HOUR);
  expect(machine.agent?.states()[0]).not.toHaveProperty('silentMs');
  await machine.pass(3 * DAY);
  expect(asks(machine)).toEqual([3, 4, 5]);
});

test('one that never ran asks too, as long after it was first held back', async () => {
  const machine = started(plan('home', '24h', { onMains: true }));
  await machine.pass(2.9 * DAY);
  machine.killAgent(HOUR);
  await machine.pass(0.5 * DAY);
  expect(asks(machine)).toEqual([3]);
});

test('one that fails again and again asks once a day too', async () => {
  const machine = startedAs({ outcome: 'failed' }, plan('home'));
  await machine.pass(4.5 * DAY);
  expect(asks(machine)).toEqual([3, 4]);
});

test('a pause that ends asks nothing, one that does not asks, and a goal of weeks has patience', async () => {
  const [paused, forgotten, slow] = [
    started(plan('home')),
    started(plan('home')),
    started(plan('home', '14d', { onMains: true })),
  ] as const;
  await Promise.all([paused, forgotten].map((machine) => machine.pass(HOUR)));
  paused.pauses = [{ from: paused.now, for: 30 * DAY }];
  forgotten.pauses = [{ from: forgotten.now }];
  await Promise.all([paused, forgotten, slow].map((machine) => machine.pass(6 * DAY)));
  expect([asks(paused), asks(forgotten), asks(slow)]).toEqual([[], [3, 4, 5, 6], []]);
});

test('a run ends with the time of day that the plan allows, not a minute later', async () => {
  const machine = new FakeMachine(plan('home'));
  machine.runTakes = 5 * HOUR;
  // Half a minute off the looks of the agent.
  await machine.pass(30_000);
  const two = (hour: number): string => String(hour % 24).padStart(2, '0');
  const hour = new Date(machine.now.wall).getHours();
  machine.plans = [plan('home', '24h', { between: [parseDayWindow(`${two(hour)}:00-${two(hour + 1)}:00`)!] })];
  machine.startAgent();
  await machine.pass(2 * HOUR);
  const [run] = machine.runs;
  expect(run).toMatchObject({ outcome: 'stopped' });
  expect((run?.ended ?? 0) % HOUR).toBeLessThan(1000);
});

test('a new version is taken between two runs, whether the agent sees it or is told', async () => {
  for (const isTold of [false, true]) {
    const machine = new FakeMachine(plan('home'), plan('other'));
    machine.startAgent();
    await machine.pass(1000);
    expect(machine.runs).toHaveLength(1);
    if (isTold) machine.agent?.renew();
    else machine.isReplaced = true;
    await machine.pass(machine.runTakes - 2000);
    expect(machine.renewals).toBe(0);
    await machine.pass(5 * 60_000);
    // The run has ended as it would have, and the other plan, which is due, waits for the next agent.
    expect(machine.runs).toMatchObject([{ outcome: 'complete' }]);
    expect(machine.renewals).toBe(1);
  }
});
