/**
 * Keeps the machine from sleeping with systemd-inhibit(1): a child that ends with its input, so that a process that is
 * killed keeps nothing awake. Sleep by closing the lid goes on as ever, and so does the screen that turns dark.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

interface Options {
  readonly why: string;
  readonly busAddress: string;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

// The program is part of the system: it is not looked for where a user may have put another.
const systemPath = '/usr/bin:/bin:/run/current-system/sw/bin';
// Logind answers within milliseconds, or waits for a password that nobody is there to give.
const patience = 3000;

/** Resolves when the lock is held, or it is clear that there will be none: then what is returned does nothing. */
export async function holdAwake({ why, busAddress }: Options): Promise<AsyncDisposable> {
  const child = spawn('systemd-inhibit', ['--what=sleep', '--mode=block', '--who=Keephold', `--why=${why}`, 'cat'], {
    env: { PATH: systemPath, DBUS_SYSTEM_BUS_ADDRESS: busAddress },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = endOf(child);
  await within(child, Promise.race([isHeld(child), ended]));
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await within(child, ended);
    },
  };
}

/** The program is started once the lock is there, and says back what it is told. */
function isHeld(child: Child): Promise<void> {
  child.stdin.on('error', () => undefined);
  child.stdin.write('\n');
  return new Promise((resolve) => child.stdout.once('data', () => resolve()));
}

function endOf(child: Child): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}

/** What takes longer is given up, and the child with it. */
async function within(child: Child, done: Promise<void>): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), patience);
  await done;
  clearTimeout(late);
}
