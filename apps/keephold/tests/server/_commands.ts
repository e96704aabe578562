/** The command as processes of its own, with a home of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { builtCommand } from '../_built-command.ts';

export interface Commands {
  readonly start: (...args: readonly string[]) => ChildProcess;
  /** Its standard output; throws with what it said when it fails. */
  readonly run: (...args: readonly string[]) => Promise<string>;
}

export function commandsIn(
  home: string,
  password = 'a password for one test only',
  variables: Readonly<Record<string, string>> = {},
): Commands {
  const start: Commands['start'] = (...args) =>
    spawn(process.execPath, [...builtCommand().node, ...args], {
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        XDG_STATE_HOME: join(home, 'state'),
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_DATA_HOME: join(home, 'data'),
        XDG_CONFIG_HOME: join(home, 'config'),
        KEEPHOLD_PASSWORD: password,
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return { start, run: async (...args) => await outputOf(start(...args)) };
}

export async function outputOf(child: ChildProcess): Promise<string> {
  let [text, errors] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`exit code ${code}: ${errors}${text}`);
  return text;
}

/** The first line of JSON that a command prints; whoever else listens hears it too. */
export async function firstRecord(child: ChildProcess): Promise<Readonly<Record<string, unknown>>> {
  const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  let text = '';
  const onData = (chunk: Buffer): void => {
    text += chunk.toString();
    const end = text.indexOf('\n');
    if (end < 0) return;
    child.stdout?.off('data', onData);
    resolve(JSON.parse(text.slice(0, end)) as Record<string, unknown>);
  };
  child.stdout?.on('data', onData);
  child.once('close', () => reject(new Error(`it ended before it said anything: ${text}`)));
  return await promise;
}

/** For tests whose subject is not what guessing a password costs: stretching one is cheap. */
export function cheapCommandsIn(home: string): Commands {
  return commandsIn(home, undefined, { NODE_OPTIONS: builtCommand().cheapPasswords });
}
