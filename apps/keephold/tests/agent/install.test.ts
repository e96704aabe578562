/** The agent as a service: installed, started, replaced and taken away by a real `systemd --user`. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasUserSystemd, UserSystemd, userSystemdNote } from '@keephold/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtCommand } from '../_built-command.ts';

type Fields = Readonly<Record<string, unknown>>;

const place = mkdtempSync(join(tmpdir(), 'kh-install-'));
/** Of a name that has everything that a unit must escape. */
const home = join(place, 'Ann\'s 100% $HOME "x"');
const program = join(place, 'program');
const UNIT = 'keephold-agent.service';
let systemd: UserSystemd | undefined;

beforeAll(async () => {
  mkdirSync(join(home, 'documents'), { recursive: true });
  writeFileSync(join(home, 'documents', 'letter'), 'dear reader');
  // An installation of its own, to be replaced.
  const [, entry = ''] = builtCommand().node;
  cpSync(dirname(dirname(entry)), program, { recursive: true });
  symlinkSync(join(import.meta.dirname, '../../../../node_modules'), join(place, 'node_modules'));
  if (hasUserSystemd) systemd = await UserSystemd.start(place, home);
});

afterAll(async () => {
  await systemd?.[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

function keephold(args: readonly string[], variables: Readonly<Record<string, string>> = {}): string {
  const flags = ['--disable-warning=ExperimentalWarning', join(program, 'dist/keephold.js')];
  const [command, ...rest] = systemd!.inside([process.execPath, ...flags, ...args]);
  return execFileSync(command, rest, {
    env: { PATH: process.env['PATH'], HOME: home, ...systemd?.variables, ...variables },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function recordOf(...args: readonly string[]): Fields {
  return JSON.parse(keephold([...args, '--json'])) as Fields;
}

async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await wait(50);
  }
}

function mainPid(): string | undefined {
  const { output } = systemd!.systemctl('show', '--property=MainPID,ActiveState', UNIT);
  return output.includes('ActiveState=active') ? /MainPID=([1-9]\d*)/.exec(output)?.[1] : undefined;
}

/** As this machine counts it, not as the namespace does. */
function pidOf(...words: readonly string[]): number | undefined {
  const found = globSync('/proc/[0-9]*/cmdline').find((path) => {
    const args = spawnSync('cat', [path]).stdout.toString().split('\0');
    return args.some((arg) => arg.startsWith(program)) && words.every((word) => args.includes(word));
  });
  return found === undefined ? undefined : Number(found.split('/')[2]);
}

/** Each name below a folder, with its kind, rights and content, except what the agent keeps of what happened. */
function treeOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/keephold\/(agent|compiled)(\/|$)/.test(path))
    .toSorted()
    .map((path) => {
      const stat = lstatSync(join(folder, path));
      return `${path} ${stat.mode} ${stat.isFile() ? readFileSync(join(folder, path), 'hex') : ''}`;
    });
}

test.skipIf(!hasUserSystemd)(
  `it is installed and runs, is replaced between two backups, comes back when killed, and goes without a trace${userSystemdNote}`,
  { timeout: 120_000 },
  async () => {
    const secret = { KEEPHOLD_PASSWORD: 'a password for one test only', NODE_OPTIONS: builtCommand().cheapPasswords };
    keephold(['init', '--repo', join(home, 'repository')], secret);
    const plan = ['home', join(home, 'documents'), '--repo', join(home, 'repository')];
    keephold(['plan', 'add', ...plan, '--goal', '2s', '--no-conditions']);
    keephold(['status']);
    mkdirSync(join(home, '.config', 'systemd', 'user'), { recursive: true });
    writeFileSync(join(home, '.config', 'systemd', 'user', 'other.service'), '');
    const before = treeOf(home);

    expect(recordOf('agent', 'install')).toMatchObject({ state: 'started', manager: 'systemd' });
    expect(systemd!.systemctl('is-enabled', UNIT).output).toBe('enabled');
    const first = mainPid();
    expect(first).toBeDefined();
    // It backs up, without a password and with the folders of whoever installed it.
    await until(() => (recordOf('status')['lastGood'] === undefined ? undefined : true));
    expect(recordOf('status')).toMatchObject({ hasAgent: true, lastGood: { outcome: 'complete', files: 1 } });

    // Again, with nothing changed: the agent ends between two backups, and is started again.
    const run = await until(() => pidOf('backup', '--plan'));
    process.kill(run, 'SIGSTOP');
    const manifest = join(program, 'package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"version": ".*"/, '"version": "99.0.0"'));
    const entry = join(program, 'dist/keephold.js');
    writeFileSync(`${entry}.new`, readFileSync(entry));
    renameSync(`${entry}.new`, entry);
    expect(recordOf('agent', 'install')).toMatchObject({ state: 'renews' });
    keephold(['status']);
    expect(mainPid()).toBe(first);
    process.kill(run, 'SIGCONT');
    const second = await until(() => (mainPid() === first ? undefined : mainPid()));
    await until(() => (keephold(['agent', 'log']).includes('agent 99.0.0 begins') ? true : undefined));
    const log = keephold(['agent', 'log']);
    expect(log).toMatch(
      /home: backup done.*\n.*agent ends, to be started again as another version\n.*agent 99\.0\.0 begins/,
    );
    expect(log).not.toContain(home);

    // systemd says that all of this was in order; and after a kill it starts it again.
    expect(systemd!.systemctl('show', '--property=Result', UNIT).output).toBe('Result=success');
    process.kill(pidOf('agent', '--service')!, 'SIGKILL');
    await until(() => (mainPid() === second ? undefined : mainPid()));

    expect(recordOf('agent', 'uninstall')).toMatchObject({ wasInstalled: true });
    expect(systemd!.systemctl('list-unit-files', '--no-legend', UNIT).output).toBe('');
    expect(pidOf('agent')).toBeUndefined();
    expect(pidOf('backup')).toBeUndefined();
    // What the runs learned about the repository is theirs.
    const isOfRuns = (line: string): boolean => /^(repository|\.(local|cache)\/)/.test(line);
    expect(treeOf(home).filter((line) => !isOfRuns(line))).toEqual(before.filter((line) => !isOfRuns(line)));
    expect(readdirSync(join(home, '.local/state/keephold/agent')).filter((name) => /log|sock/.test(name))).toEqual(
      ['ledger.jsonl'].filter((name) => /^log|sock/.test(name)),
    );
    expect(readdirSync(join(systemd!.variables['XDG_RUNTIME_DIR']!, 'keephold'))).toEqual([]);
    expect(recordOf('agent', 'uninstall')).toMatchObject({ wasInstalled: false });
  },
);

test.skipIf(!hasUserSystemd)(
  `without a manager it is installed for the next sign-in, says what starts it now, and goes without a trace${userSystemdNote}`,
  () => {
    const nobody = { HOME: join(place, 'other'), XDG_RUNTIME_DIR: join(place, 'nowhere') };
    const config = join(place, 'other', '.config');
    mkdirSync(config, { recursive: true });
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(program, 'dist/keephold.js'), 'agent', 'install'],
      { env: { PATH: process.env['PATH'], ...nobody }, encoding: 'utf8' },
    );
    expect(stdout).toContain('the agent is installed and does not run yet');
    expect(stderr).toMatch(/no manager for the services of .*\n.*sudo loginctl enable-linger/);
    const link = join(config, 'systemd/user/default.target.wants', UNIT);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(link, 'utf8')).toContain(`Environment="HOME=${join(place, 'other')}"`);
    execFileSync(process.execPath, [join(program, 'dist/keephold.js'), 'agent', 'uninstall'], {
      env: { PATH: process.env['PATH'], ...nobody },
      stdio: 'ignore',
    });
    expect(readdirSync(config)).toEqual([]);
  },
);

const canBeAnother = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;
test.skipIf(!canBeAnother)(
  `with the right of --read-everything a run reads what its user may not${canBeAnother ? '' : ' (skipped: needs root and setpriv)'}`,
  () => {
    const theirs = join(place, 'theirs');
    mkdirSync(theirs);
    execFileSync('chmod', ['755', place]);
    execFileSync('chown', ['65534:65534', theirs]);
    mkdirSync(join(place, 'closed'), { mode: 0o700 });
    writeFileSync(join(place, 'closed', 'secret'), 'of root', { mode: 0o600 });
    const rights = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
    const bounds = ['--bounding-set=-all,+dac_read_search', '--no-new-privs'];
    const run = (with_: readonly string[], ...args: readonly string[]): { status: number | null; output: string } => {
      const user = ['--reuid=65534', '--regid=65534', '--clear-groups', ...with_];
      const { status, stdout, stderr } = spawnSync(
        'setpriv',
        [...user, process.execPath, join(program, 'dist/keephold.js'), ...args, '--repo', join(theirs, 'repository')],
        {
          env: {
            PATH: process.env['PATH'],
            HOME: theirs,
            KEEPHOLD_PASSWORD: 'a password for one test only',
            NODE_OPTIONS: builtCommand().cheapPasswords,
          },
          encoding: 'utf8',
        },
      );
      return { status, output: stdout + stderr };
    };
    expect(run([], 'init')).toMatchObject({ status: 0 });
    expect(run([], 'backup', join(place, 'closed'))).toMatchObject({ status: 3 });
    const full = run([...rights, ...bounds], 'backup', join(place, 'closed'));
    expect(full).toMatchObject({ status: 0 });
    expect(run([], 'cat', `latest:${join(place, 'closed/secret')}`)).toEqual({ status: 0, output: 'of root' });
  },
);
