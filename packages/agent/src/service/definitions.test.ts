/** The definitions, read by programs that are not ours. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { AgentService } from './agent-service.ts';
import { launchdPlist } from './launchd-plist.ts';
import { systemdUnit } from './systemd-unit.ts';
import { taskXml, utf16, windowsArgument } from './task-xml.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-service-'));
afterAll(() => rmSync(folder, { recursive: true }));

const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['--version']).status === 0);
const pythonNote = python === undefined ? ' (skipped: needs python3)' : '';
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const analyzeNote = hasAnalyze ? '' : ' (skipped: needs systemd-analyze)';

const service: AgentService = {
  program: '/bin/true',
  args: ['/home/ann & co/<Keephold> 100% "of it" $HOME \\ end\\', 'agent', '--service'],
  variables: { HOME: '/home/ann & co', XDG_STATE_HOME: '/a "b" %h $PATH \\c\n\td', EMPTY: '' },
};

function read(script: string, bytes: Uint8Array): unknown {
  const { stdout, stderr } = spawnSync(python ?? '', ['-c', `import sys, json\n${script}`], { input: bytes });
  if (stderr.length > 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

test.skipIf(python === undefined)(`python reads of the plist what went in${pythonNote}`, () => {
  const script = 'import plistlib; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
  expect(read(script, new TextEncoder().encode(launchdPlist(service)))).toEqual({
    Label: 'org.keephold.agent',
    ProgramArguments: [service.program, ...service.args],
    EnvironmentVariables: service.variables,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ExitTimeOut: 90,
    ProcessType: 'Background',
    LowPriorityIO: true,
    Nice: 10,
  });
});

test.skipIf(python === undefined)(`python reads of the task of Windows what went in${pythonNote}`, () => {
  const script = `
import xml.etree.ElementTree as tree
root = tree.parse(sys.stdin.buffer).getroot()
space = root.tag[:root.tag.index('}') + 1]
of = lambda path: root.find('/'.join(space + name for name in path.split('/'))).text
print(json.dumps([root.tag, of('Triggers/LogonTrigger/UserId'), of('Principals/Principal/LogonType'),
  of('Settings/ExecutionTimeLimit'), of('Actions/Exec/Command'), of('Actions/Exec/Arguments')]))`;
  expect(read(script, utf16(taskXml(service, 'HOUSE\\ann & co')))).toEqual([
    '{http://schemas.microsoft.com/windows/2004/02/mit/task}Task',
    'HOUSE\\ann & co',
    'InteractiveToken',
    'PT0S',
    'conhost.exe',
    ['--headless', service.program, ...service.args].map(windowsArgument).join(' '),
  ]);
});

test('arguments come out of a command line of Windows as they went in', () => {
  const text = fc.array(fc.constantFrom('a', ' ', '"', '\\', '\t', 'é'), { maxLength: 12 }).map((all) => all.join(''));
  fc.assert(
    fc.property(fc.array(text), (args) => {
      expect(takenApart(args.map(windowsArgument).join(' '))).toEqual(args);
    }),
  );
});

/** As Microsoft tells of CommandLineToArgvW, for what follows the program's name. */
function takenApart(line: string): readonly string[] {
  const args: string[] = [];
  let [at, current, isQuoted] = [0, undefined as string | undefined, false];
  while (at < line.length) {
    const slashes = /^\\*/.exec(line.slice(at))?.[0].length ?? 0;
    at += slashes;
    const character = line[at];
    if (character === '"') {
      current = (current ?? '') + '\\'.repeat(Math.floor(slashes / 2));
      if (slashes % 2 === 1) current += '"';
      else isQuoted = !isQuoted;
      at += 1;
    } else if (slashes > 0) current = (current ?? '') + '\\'.repeat(slashes);
    else if (!isQuoted && (character === ' ' || character === '\t')) {
      if (current !== undefined) args.push(current);
      current = undefined;
      at += 1;
    } else {
      current = (current ?? '') + character;
      at += 1;
    }
  }
  return current === undefined ? args : [...args, current];
}

test.skipIf(!hasAnalyze)(`systemd finds nothing wrong with either unit${analyzeNote}`, () => {
  const verify = (text: string, ...scope: readonly string[]): string => {
    const path = join(folder, 'keephold-agent.service');
    writeFileSync(path, text);
    const { stdout, stderr } = spawnSync('systemd-analyze', [...scope, 'verify', '--man=no', path], {
      env: { PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: folder },
      encoding: 'utf8',
    });
    return `${stdout}${stderr}`;
  };
  const own = systemdUnit(service, { user: undefined });
  expect(verify(own, '--user')).toBe('');
  expect(verify(systemdUnit(service, { user: 'daemon' }))).toBe('');
  expect(verify(own.replace('KillMode=mixed', 'KillMood=mixed'), '--user')).toContain('KillMood');
});
