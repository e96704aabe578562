/** A plan that has been held back for days: the agent asks on the desktop, here a mock of one on a bus of its own. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasMock, MockBus, mockNote } from '@keephold/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentFolder } from '../../src/agent/agent-folder.ts';
import { parsePlans, planMark } from '../../src/plans/plan.ts';
import { commandsIn } from '../server/_commands.ts';

const DAY = 24 * 3_600_000;
const home = mkdtempSync(join(tmpdir(), 'keephold-ask-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe.skipIf(!hasMock)(`held back for days${mockNote}`, () => {
  const bus = new MockBus();
  const variables = { DBUS_SYSTEM_BUS_ADDRESS: bus.address, DBUS_SESSION_BUS_ADDRESS: bus.address };
  const keephold = commandsIn(home, '', variables);
  let agent: ChildProcess;

  beforeAll(async () => {
    mkdirSync(join(home, 'photos'));
    await bus.startDaemon();
    await Promise.all([bus.start('upower'), bus.start('notification_daemon')]);
    await bus.setProperty('upower', 'OnBattery', { signature: 'b', value: true });
    await keephold.run('plan', 'add', 'photos', join(home, 'photos'), '--repo', join(home, 'disk'), '--on-mains');
    backedUp(5 * DAY);
  });
  afterAll(async () => {
    agent.kill('SIGKILL');
    await bus[Symbol.asyncDispose]();
  });

  test('the agent asks on the desktop, and status says that it needs somebody', async () => {
    agent = keephold.start('agent', '--json');
    const told = bus.nextCall('notification_daemon', 'Notify');
    const [, , , title, text] = await told;
    expect(title).toBe('photos: no backup for 5 d 0 h');
    expect(text).toBe('on battery. keephold backup --plan photos backs it up now.');
    expect(await keephold.run('status')).toContain('does not run now: on battery; it needs you: keephold backup');
    agent.kill('SIGTERM');
    await once(agent, 'exit');
    expect(await keephold.run('status')).toContain('does not run now: no agent runs; it needs you: keephold backup');
  });
});

/** As if a backup of the plan had begun so many milliseconds ago. */
function backedUp(ago: number): void {
  const [plan] = parsePlans(readFileSync(join(home, 'config/keephold/plans.json'), 'utf8'));
  if (plan === undefined) throw new Error('there is no plan');
  const state = join(home, 'state/keephold');
  const folder = new AgentFolder({ folders: { config: '', state, cache: '', data: '' } });
  folder.make();
  const at = { wall: Date.now() - ago, uptime: 0, boot: 'an earlier one' };
  folder.addRun(plan.name, { began: at, ended: at, mark: planMark(plan), outcome: 'complete', pid: 1 });
}
