/** A PostgreSQL of its own in a temporary folder, on loopback. Tests that need one say that they are skipped without. */
import { execFile, execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';
const USER = 'keephold';
/** The newest of Debian's. */
const programs: string | undefined = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;

export const hasPostgres: boolean = programs !== undefined;
/** For titles of tests. */
export const postgresNote: string = hasPostgres ? '' : ' (skipped: needs PostgreSQL)';

export interface PostgresCluster extends AsyncDisposable {
  /** The address of a database that was not there before. */
  readonly newDatabase: () => Promise<string>;
  /** immediate: as a crash leaves it. */
  readonly stop: (mode: 'fast' | 'immediate') => Promise<void>;
  readonly start: () => Promise<void>;
  /**
   * Another cluster that follows this one, and without which nothing is committed from now on: what this one has
   * confirmed is there, too.
   */
  readonly standby: () => Promise<Standby>;
}

export interface Standby extends AsyncDisposable {
  readonly port: number;
  /** It follows nobody from now on, and takes writes. */
  readonly promote: () => Promise<void>;
}

type Call = (program: string, ...args: readonly string[]) => Promise<unknown>;

/** `isDurable`: it waits for its disk, as one that is in use does; tests do not need that. */
export async function startPostgres({
  isDurable = false,
}: {
  readonly isDurable?: boolean;
} = {}): Promise<PostgresCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-postgres-'));
  const owner = ownerOf(folder);
  const data = join(folder, 'data');
  const port = await freePort();
  const call: Call = async (program, ...args) =>
    await run(join(programs ?? '', program), args, { ...owner, cwd: folder });
  await call('initdb', '-D', data, '-U', USER, '--auth=trust', '-E', 'UTF8', '--no-locale', '--no-sync');
  const settings = settingsOf(folder, port, isDurable);
  const start = async (): Promise<void> => {
    await call('pg_ctl', '-D', data, '-w', '-s', '-l', join(folder, 'log'), '-o', settings, 'start');
  };
  const stop = async (mode: string): Promise<void> => {
    await call('pg_ctl', '-D', data, '-w', '-s', '-m', mode, 'stop');
  };
  await start();
  let databases = 0;
  return {
    newDatabase: async () => {
      const name = `test_${++databases}`;
      await call('createdb', '-h', folder, '-p', String(port), '-U', USER, name);
      return `postgres://${USER}@127.0.0.1:${port}/${name}`;
    },
    start,
    stop,
    standby: async () => await startStandby({ folder, port, call }),
    [Symbol.asyncDispose]: async () => {
      await stop('immediate').catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function settingsOf(folder: string, port: number, isDurable = false): string {
  const sync = isDurable ? 'on' : 'off';
  return `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=${sync} -c max_connections=60`;
}

interface Primary {
  readonly folder: string;
  readonly port: number;
  readonly call: Call;
}

async function startStandby({ folder, port, call }: Primary): Promise<Standby> {
  const data = join(folder, 'standby');
  const own = await freePort();
  const primary = ['-h', folder, '-p', String(port), '-U', USER];
  await call('pg_basebackup', ...primary, '-D', data, '-R', '-c', 'fast', '-X', 'stream', '--no-sync');
  const log = join(folder, 'standby-log');
  await call('pg_ctl', '-D', data, '-w', '-s', '-l', log, '-o', settingsOf(folder, own), 'start');
  // After the copy was made: the copy itself waits for nobody.
  const tell = async (statement: string): Promise<unknown> =>
    await call('psql', ...primary, '-d', 'postgres', '-q', '-c', statement);
  await tell("ALTER SYSTEM SET synchronous_standby_names = '*'");
  await tell('SELECT pg_reload_conf()');
  return {
    port: own,
    promote: async () => {
      await call('pg_ctl', '-D', data, '-w', '-s', 'promote');
    },
    [Symbol.asyncDispose]: async () => {
      await call('pg_ctl', '-D', data, '-w', '-s', '-m', 'immediate', 'stop').catch(() => {});
    },
  };
}

/** PostgreSQL refuses to run as root. */
function ownerOf(folder: string): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const user = ['postgres', 'nobody'].find((name) => idOf(name, '-u') !== undefined) ?? 'nobody';
  const owner = { uid: idOf(user, '-u') ?? 65_534, gid: idOf(user, '-g') ?? 65_534 };
  chownSync(folder, owner.uid, owner.gid);
  return owner;
}

function idOf(user: string, which: '-u' | '-g'): number | undefined {
  try {
    return Number(execFileSync('id', [which, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === 'object' && address !== null ? address.port : 0;
}
