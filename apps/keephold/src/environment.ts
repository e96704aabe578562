/**
 * The environment and the folders that follow from it: the only file besides the program's entry that reads process.env.
 * Folders: XDG base directories on Linux and the BSDs, ~/Library on macOS, %LOCALAPPDATA% on Windows.
 */
import { lstatSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface Folders {
  /** Settings a user writes. */
  readonly config: string;
  /** What a device must keep: device keys, grants, pins. */
  readonly state: string;
  /** What can be made again. */
  readonly cache: string;
  /** What belongs to the user: the default repository. */
  readonly data: string;
}

/** An address that may have a secret in it, and the file that has it. */
export interface AddressVariables {
  readonly file: string | undefined;
  readonly value: string | undefined;
}

export interface ServerVariables {
  readonly database: AddressVariables;
  readonly storage: AddressVariables;
  readonly replicate: AddressVariables;
  readonly smtp: AddressVariables;
  readonly webhook: AddressVariables;
  readonly ntfy: AddressVariables;
  /** What receivers know webhooks by. */
  readonly webhookSecret: AddressVariables;
  readonly ntfyToken: AddressVariables;
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
}

export interface Environment {
  readonly folders: Folders;
  readonly home: string;
  readonly hostname: string;
  /** Of who runs this, as the system has it; undefined when it has none. */
  readonly userName: string | undefined;
  readonly repository: string | undefined;
  readonly passwordFile: string | undefined;
  readonly password: string | undefined;
  /** Of a second factor; good once, so that it need not be hidden. */
  readonly code?: string | undefined;
  /** For `keephold serve`; nothing is said when it is not there. */
  readonly server?: ServerVariables;
  /** Whether a session bus is there, which the keystore of Linux needs. */
  readonly hasSessionBus: boolean;
  /** The bus of the user's session; undefined where there is none. */
  readonly sessionBus?: string | undefined;
  /** The system bus of D-Bus, where it is not where it always is. */
  readonly systemBus?: string | undefined;
  /** What the system keeps for this user's session and nobody else; undefined where there is none. */
  readonly runtimeFolder?: string | undefined;
  /** Where the settings of all programs lie, where that is said. */
  readonly configHome?: string | undefined;
  /** What an agent needs that is started by the system and not by this user's shell. No secret is among it. */
  readonly agentVariables?: Readonly<Record<string, string>>;
  /** Of the user of Windows. */
  readonly domain?: string | undefined;
  /** Programs are looked for in these folders. */
  readonly searchPath: string;
  /** Whether the terminal can redraw a line. */
  readonly canRedraw: boolean;
  /** Profiles and coverage are asked for: they are written while Node takes the process apart. */
  readonly isObserved: boolean;
  /** How the user calls this program, for hints that can be copied. */
  readonly command: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

export function readEnvironment(
  variables: Variables = process.env,
  platform: NodeJS.Platform = process.platform,
): Environment {
  const home = homedir();
  return {
    folders: foldersOf(variables, platform, home),
    home,
    hostname: hostname(),
    userName: userName(),
    repository: nonEmpty(variables['KEEPHOLD_REPO']),
    passwordFile: nonEmpty(variables['KEEPHOLD_PASSWORD_FILE']),
    password: nonEmpty(variables['KEEPHOLD_PASSWORD']),
    code: nonEmpty(variables['KEEPHOLD_CODE']),
    server: serverVariables(variables),
    hasSessionBus: nonEmpty(variables['DBUS_SESSION_BUS_ADDRESS']) !== undefined,
    sessionBus: sessionBus(variables),
    systemBus: nonEmpty(variables['DBUS_SYSTEM_BUS_ADDRESS']),
    runtimeFolder: runtimeFolder(variables, platform),
    configHome: absolute(variables['XDG_CONFIG_HOME']),
    agentVariables: agentVariables(variables, home),
    domain: nonEmpty(variables['USERDOMAIN']),
    searchPath: variables['PATH'] ?? '',
    canRedraw: variables['TERM'] !== 'dumb',
    isObserved: nonEmpty(variables['NODE_V8_COVERAGE']) !== undefined || isProfiled(variables['NODE_OPTIONS']),
    command: variables['npm_lifecycle_event'] === undefined ? 'keephold' : 'npm run --silent keephold --',
  };
}

function sessionBus(variables: Variables): string | undefined {
  const runtimeFolder = absolute(variables['XDG_RUNTIME_DIR']);
  const usual = runtimeFolder === undefined ? undefined : `unix:path=${join(runtimeFolder, 'bus')}`;
  return nonEmpty(variables['DBUS_SESSION_BUS_ADDRESS']) ?? usual;
}

/** Shells that did not come from a sign-in (su, cron) do not know it. Set and empty, it says that there is none. */
function runtimeFolder(variables: Variables, platform: NodeJS.Platform): string | undefined {
  const named = variables['XDG_RUNTIME_DIR'];
  if (named !== undefined || platform !== 'linux') return absolute(named);
  const userId = process.getuid?.() ?? 0;
  const usual = `/run/user/${userId}`;
  const stat = lstatSync(usual, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === userId ? usual : undefined;
}

/** How programs, folders and certificates are found, and how much memory the C library holds on to (bin/keephold). */
const forAgents = [
  'PATH',
  'XDG_CONFIG_HOME',
  'XDG_STATE_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'DBUS_SYSTEM_BUS_ADDRESS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'TZ',
  'MALLOC_ARENA_MAX',
  'MALLOC_MMAP_THRESHOLD_',
  'MALLOC_TRIM_THRESHOLD_',
];

function agentVariables(variables: Variables, home: string): Readonly<Record<string, string>> {
  const kept = forAgents.map((name) => [name, nonEmpty(variables[name])] as const);
  const set = kept.filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
  return { HOME: home, ...Object.fromEntries(set) };
}

/** For programs that this one starts, as it is called itself but for these. */
export function variablesWith(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes };
}

function isProfiled(options = ''): boolean {
  return [...process.execArgv, options].some((text) => text.includes('prof'));
}

function userName(): string | undefined {
  try {
    return nonEmpty(userInfo().username);
  } catch {
    return undefined;
  }
}

function serverVariables(variables: Variables): ServerVariables {
  const address = (name: string): AddressVariables => ({
    file: nonEmpty(variables[`${name}_FILE`]),
    value: nonEmpty(variables[name]),
  });
  return {
    database: address('KEEPHOLD_DATABASE'),
    storage: address('KEEPHOLD_STORAGE'),
    replicate: address('KEEPHOLD_REPLICATE'),
    smtp: address('KEEPHOLD_SMTP'),
    webhook: address('KEEPHOLD_WEBHOOK'),
    ntfy: address('KEEPHOLD_NTFY'),
    webhookSecret: address('KEEPHOLD_WEBHOOK_SECRET'),
    ntfyToken: address('KEEPHOLD_NTFY_TOKEN'),
    accessKeyId: nonEmpty(variables['AWS_ACCESS_KEY_ID']),
    secretAccessKey: nonEmpty(variables['AWS_SECRET_ACCESS_KEY']),
  };
}

export function foldersOf(variables: Variables, platform: NodeJS.Platform, home: string): Folders {
  if (platform === 'win32') {
    const base = join(absolute(variables['LOCALAPPDATA']) ?? join(home, 'AppData', 'Local'), 'Keephold');
    return {
      config: join(base, 'config'),
      state: join(base, 'state'),
      cache: join(base, 'cache'),
      data: join(base, 'data'),
    };
  }
  const library = platform === 'darwin' ? join(home, 'Library') : undefined;
  const support = library === undefined ? undefined : join(library, 'Application Support', 'Keephold');
  // Set XDG variables win on macOS too: whoever sets them means them.
  const folder = (variable: string, apple: string | undefined, xdg: string): string => {
    const named = absolute(variables[variable]);
    return named === undefined && apple !== undefined ? apple : join(named ?? join(home, xdg), 'keephold');
  };
  return {
    config: folder('XDG_CONFIG_HOME', support && join(support, 'config'), '.config'),
    state: folder('XDG_STATE_HOME', support && join(support, 'state'), join('.local', 'state')),
    cache: folder('XDG_CACHE_HOME', library && join(library, 'Caches', 'Keephold'), '.cache'),
    data: folder('XDG_DATA_HOME', support && join(support, 'data'), join('.local', 'share')),
  };
}

/** XDG: a relative path is to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
