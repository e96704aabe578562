/**
 * The unit of the agent (systemd.service(5), systemd.exec(5)). Two forms: of a user's own manager, and of the system's
 * for an agent that is to read what its user may not. Neither has anything that needs a mount or user namespace: in one
 * files have other owners, and a backup would store those.
 */
import { type AgentService, START_AGAIN } from './agent-service.ts';

export interface UnitKind {
  /** Whose unit of the system's manager; undefined for one of the user's own manager. */
  readonly user: string | undefined;
}

export function systemdUnit({ program, args, variables }: AgentService, { user }: UnitKind): string {
  const environment = Object.entries(variables).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`);
  return [
    '# Written by keephold agent install, which replaces it; keephold agent uninstall removes it.',
    '[Unit]',
    'Description=Keephold agent: backups that happen by themselves',
    'Documentation=https://github.com/keephold/keephold',
    // It never gives up: what keeps it from starting may be gone tomorrow.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${[quoted(program), ...args.map(argument)].join(' ')}`,
    ...environment,
    'Restart=on-failure',
    'RestartSec=5',
    '# It ends with this when it was replaced by another version, between two backups.',
    `SuccessExitStatus=${START_AGAIN}`,
    `RestartForceExitStatus=${START_AGAIN}`,
    '# A backup that is going is told by the agent, and ends with a checkpoint.',
    'KillMode=mixed',
    'TimeoutStopSec=90',
    '# A backup that takes too much memory does not take the agent with it.',
    'OOMPolicy=continue',
    '',
    'Nice=10',
    'IOSchedulingClass=idle',
    'CPUWeight=20',
    'IOWeight=20',
    '',
    ...rights(user),
    'NoNewPrivileges=true',
    'LockPersonality=true',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
    'RestrictNamespaces=true',
    'RestrictRealtime=true',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallErrorNumber=EPERM',
    'LimitCORE=0',
    '',
    '[Install]',
    `WantedBy=${user === undefined ? 'default.target' : 'multi-user.target'}`,
    '',
  ].join('\n');
}

function rights(user: string | undefined): readonly string[] {
  if (user === undefined) return [];
  return [
    `User=${user}`,
    '# Everything may be read, nothing more may be written than by the user.',
    'AmbientCapabilities=CAP_DAC_READ_SEARCH',
    'CapabilityBoundingSet=CAP_DAC_READ_SEARCH',
  ];
}

/** As an argument of a command: there variables are replaced too. */
function argument(text: string): string {
  return quoted(text).replaceAll('$', '$$$$');
}

/** systemd.syntax(7) "Quoting", and specifiers taken literally. */
function quoted(text: string): string {
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replaceAll('%', '%%')
    .replace(/[\n\r\t]/g, control);
  return `"${escaped}"`;
}

function control(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
