/**
 * The system's keystore, where there is one: the Secret Service of a Linux desktop through secret-tool, the keychain of
 * macOS through security. Secrets go in by standard input, never by an argument that other users could list. Where it is
 * not there or does not answer, callers get undefined or false and keep the secret in the private device file.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Environment } from '../environment.ts';

export interface Keystore {
  /** As a person knows it. */
  readonly name: string;
  /** Answers whether it is there now. */
  store(account: string, secret: string): Promise<boolean>;
  load(account: string): Promise<string | undefined>;
  remove(account: string): Promise<void>;
}

type Surroundings = Pick<Environment, 'hasSessionBus' | 'searchPath'>;

export function systemKeystore(
  environment: Surroundings,
  platform: NodeJS.Platform = process.platform,
): Keystore | undefined {
  if (platform === 'darwin') return programIn(environment, 'security') && macKeychain;
  if (platform !== 'linux' || !environment.hasSessionBus) return undefined;
  return programIn(environment, 'secret-tool') && secretService;
}

function programIn({ searchPath }: Surroundings, program: string): true | undefined {
  return searchPath.split(delimiter).some((folder) => isProgram(join(folder, program))) || undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What is stored must come back: a locked or half-working keystore counts as none. */
function verified(
  put: (account: string, secret: string) => Promise<unknown>,
  load: Keystore['load'],
): Keystore['store'] {
  return async (account, secret) => {
    await put(account, secret);
    return (await load(account)) === secret;
  };
}

const attributes = (account: string): string[] => ['service', 'keephold', 'account', account];

const secretService: Keystore = {
  name: 'the keystore of this session (Secret Service)',
  store: verified(
    (account, secret) => run('secret-tool', ['store', '--label=Keephold', ...attributes(account)], secret),
    (account) => secretService.load(account),
  ),
  load: (account) => run('secret-tool', ['lookup', ...attributes(account)]),
  remove: async (account) => void (await run('secret-tool', ['clear', ...attributes(account)])),
};

const macKeychain: Keystore = {
  name: 'the login keychain',
  store: verified(
    // Interactive mode reads the whole command from standard input.
    (account, secret) => run('security', ['-i'], `add-generic-password -U -s keephold -a ${account} -w ${secret}\n`),
    (account) => macKeychain.load(account),
  ),
  load: (account) => run('security', ['find-generic-password', '-s', 'keephold', '-a', account, '-w']),
  remove: async (account) => void (await run('security', ['delete-generic-password', '-s', 'keephold', '-a', account])),
};

/** A keystore may ask its user to unlock it; nobody waits longer than this for an answer. */
const patience = 60_000;

/** Standard output without its last line break; undefined when the program failed or did not end in time. */
function run(program: string, args: readonly string[], input = ''): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], timeout: patience });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => {
      resolve(
        code === 0
          ? Buffer.concat(chunks)
              .toString('utf8')
              .replace(/\r?\n$/, '')
          : undefined,
      );
    });
    // It may end without reading what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
