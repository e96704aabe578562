/** What is asked of launchd and of the Task Scheduler, and when: neither is here, so a stand-in answers as their manuals say. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentService, RunCommand, ServiceManager } from './agent-service.ts';
import { type InstallParts, installService, uninstallService } from './install-service.ts';
import { launchd } from './launchd.ts';
import { taskScheduler } from './task-scheduler.ts';

let home: string;
let asked: string[];
let isLoaded: boolean;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'keephold-service-'));
  asked = [];
  isLoaded = false;
});
afterEach(() => rmSync(home, { recursive: true }));

const service: AgentService = { program: '/bin/node', args: ['keephold.js', 'agent', '--service'], variables: {} };

const launchctl: RunCommand = async (_, args) => {
  const [verb, target] = args;
  if (verb === 'print' && target === 'gui/501') return await Promise.resolve({ code: 0, output: '' });
  if (verb === 'print') return { code: isLoaded ? 0 : 113, output: '\tstate = running\n' };
  asked.push(args.join(' ').replace(home, '~'));
  isLoaded = verb === 'bootstrap';
  return { code: 0, output: '' };
};

const schtasks: RunCommand = async (_, args) => {
  if (args[0] === '/Query')
    return await Promise.resolve({ code: isLoaded ? 0 : 1, output: '"Keephold agent","N/A","Running"' });
  asked.push(args.join(' ').replace(home, '~'));
  isLoaded = args[0] !== '/Delete';
  return { code: 0, output: '' };
};

function partsOf(manager: ServiceManager): InstallParts {
  const said = (what: string) => async (): Promise<boolean> => {
    asked.push(what);
    return await Promise.resolve(true);
  };
  return { manager, isAnswering: said('answers?'), renew: said('renew'), wait: async () => await Promise.resolve() };
}

test('launchd loads it, keeps it while nothing changed, loads what changed anew, and forgets it', async () => {
  const parts = partsOf(launchd({ run: launchctl, home, userId: 501 }));
  const load = 'bootstrap gui/501 ~/Library/LaunchAgents/org.keephold.agent.plist';
  expect(await installService(parts, service)).toEqual({ kind: 'started' });
  expect(asked.splice(0)).toEqual([load, 'answers?']);
  expect(await installService(parts, service)).toEqual({ kind: 'renews' });
  expect(asked.splice(0)).toEqual(['renew']);
  expect(await installService(parts, { ...service, variables: { TZ: 'UTC' } })).toEqual({ kind: 'started' });
  expect(asked.splice(0)).toEqual(['bootout gui/501/org.keephold.agent', load, 'answers?']);
  expect(await uninstallService(parts)).toBe(true);
  expect(asked.splice(0)).toEqual(['bootout gui/501/org.keephold.agent']);
  expect(readdirSync(join(home, 'Library/LaunchAgents'))).toEqual([]);
  expect(await uninstallService(parts)).toBe(false);
  expect(asked).toEqual([]);
});

test('the Task Scheduler makes a task of it, starts it, and deletes it', async () => {
  const parts = partsOf(taskScheduler({ run: schtasks, user: 'HOUSE\\ann', folder: home }));
  const make = '/Create /TN Keephold agent /XML ~/agent-task.xml /F';
  expect(await installService(parts, service)).toEqual({ kind: 'started' });
  expect(asked.splice(0)).toEqual([make, '/Run /TN Keephold agent', 'answers?']);
  expect(await installService(parts, { ...service, args: ['other.js'] })).toEqual({ kind: 'renews' });
  expect(asked.splice(0)).toEqual([make, 'renew']);
  expect(await uninstallService(parts)).toBe(true);
  expect(asked.splice(0)).toEqual(['/End /TN Keephold agent', '/Delete /TN Keephold agent /F']);
  expect(existsSync(join(home, 'agent-task.xml'))).toBe(false);
});

test('one that is started and does not answer, and a manager that refuses, are told', async () => {
  const manager = launchd({ run: launchctl, home, userId: 501 });
  const parts = { ...partsOf(manager), isAnswering: async () => await Promise.resolve(false) };
  await expect(installService(parts, service)).rejects.toMatchObject({ code: 'not-answering' });
  const refusing = launchd({
    run: async (program, args) =>
      args[0] === 'bootstrap' ? { code: 5, output: 'Input/output error' } : await launchctl(program, args),
    home,
    userId: 501,
  });
  isLoaded = false;
  await expect(installService(partsOf(refusing), service)).rejects.toThrow(
    'start the agent: launchd says: Input/output error',
  );
});
