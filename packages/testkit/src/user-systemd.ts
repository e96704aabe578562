/**
 * A real manager of a user's services, `systemd --user`, for tests: alone in namespaces of its own, so that it sees and
 * starts nothing of this machine's, and all that it started is gone with it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const SYSTEMD = '/usr/lib/systemd/systemd';
const namespaces = ['--mount', '--cgroup', '--pid', '--fork', '--kill-child'];
/** It runs only where the system was started by systemd, or seems to have been. */
const inside = `
  mount --make-rprivate / && mount -t tmpfs none /run && mount -t proc none /proc && mkdir -p /run/systemd/system &&
  mkdir -p "$CGROUPS/init.scope" && rmdir "$CGROUPS/init.scope"`;

/** cgroups of version 2, or the tree of version 1 that is systemd's. */
const cgroups = existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/systemd';
const variables = { PATH: process.env['PATH'], CGROUPS: cgroups };

export const hasUserSystemd: boolean =
  process.platform === 'linux' &&
  existsSync(SYSTEMD) &&
  spawnSync('unshare', [...namespaces, 'sh', '-c', inside], { env: variables, stdio: 'ignore' }).status === 0;
export const userSystemdNote: string = hasUserSystemd ? '' : ' (skipped: needs systemd, root and cgroups)';

export class UserSystemd implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** What programs need to reach it, besides being inside. */
  readonly variables: Readonly<Record<string, string>>;

  private constructor(child: ChildProcess, runtimeFolder: string) {
    this.#child = child;
    this.variables = { XDG_RUNTIME_DIR: runtimeFolder };
  }

  /** `folder`: of a short path, for its sockets. */
  static async start(folder: string, home: string): Promise<UserSystemd> {
    const runtimeFolder = join(folder, 'run');
    mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
    // Not as the first process of its namespace: it would take itself for the system's manager.
    const child = spawn('unshare', [...namespaces, 'sh', '-c', `${inside} && ${SYSTEMD} --user; exit $?`], {
      env: { ...variables, HOME: home, XDG_RUNTIME_DIR: runtimeFolder, SYSTEMD_LOG_TARGET: 'console' },
      stdio: 'ignore',
    });
    const started = new UserSystemd(child, runtimeFolder);
    while (started.systemctl('show', '--property=Version').status !== 0) {
      if (child.exitCode !== null) throw new Error(`systemd --user ended with ${child.exitCode}`);
      await wait(50);
    }
    return started;
  }

  /** A command line that runs another one inside: the manager answers to nobody whom it cannot see. */
  inside(command: readonly string[]): readonly [string, ...string[]] {
    const { pid = 0 } = this.#child;
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return ['nsenter', `--target=${first}`, '--mount', '--pid', '--', ...command];
  }

  systemctl(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
    const [program, ...rest] = this.inside(['systemctl', '--user', ...args]);
    const { status, stdout, stderr } = spawnSync(program, rest, {
      env: { PATH: process.env['PATH'], ...this.variables },
      encoding: 'utf8',
    });
    return { status, output: `${stdout}${stderr}`.trim() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
  }
}
