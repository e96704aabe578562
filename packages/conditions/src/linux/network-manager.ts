/** The network as NetworkManager has it: https://networkmanager.dev/docs/api/latest/spec.html */
import type { NetworkReading } from '../readings.ts';
import type { Properties, SystemBus } from './system-bus.ts';

const service = 'org.freedesktop.NetworkManager';
export const networkManagerPath = '/org/freedesktop/NetworkManager';

// Not all of its signals: the strength of every access point changes all the time.
export const networkManagerMatches: readonly string[] = [
  `type='signal',sender='${service}',path='${networkManagerPath}'`,
  `type='signal',sender='${service}',path_namespace='${networkManagerPath}/ActiveConnection'`,
];

// More are active only on machines that were set up by hand to have them.
const mostConnections = 64;

/** NMState: with a route beyond this machine. */
const CONNECTED_SITE = 60;
/** NMConnectivityState; "limited" still reaches a server in the house. */
const NONE = 1;
const PORTAL = 2;
/** NMMetered; the others are a guess, yes or no, and unknown. */
const meteredValues = new Map<unknown, boolean>([
  [1, true],
  [2, false],
  [3, true],
  [4, false],
]);

const linkOfType = new Map<unknown, NetworkReading['link']>([
  ['802-11-wireless', 'wifi'],
  ['gsm', 'mobile'],
  ['cdma', 'mobile'],
  ['bluetooth', 'mobile'],
  ['802-3-ethernet', 'cable'],
  ['pppoe', 'cable'],
  ['adsl', 'cable'],
  ['bridge', 'cable'],
  ['bond', 'cable'],
  ['team', 'cable'],
  ['vlan', 'cable'],
]);

/** Nothing when NetworkManager is not there. */
export async function readNetworkManager(bus: SystemBus): Promise<NetworkReading | undefined> {
  const manager = await bus.properties({ service, path: networkManagerPath, interface: service });
  if (manager === undefined || typeof manager['State'] !== 'number') return undefined;
  const connections = await readConnections(bus, manager);
  const isMetered = meteredValues.get(manager['Metered']);
  const through = connectionToTheWorld(connections, manager['PrimaryConnection']);
  const link = linkOfType.get(through?.['Type']);
  const wifiName = link === 'wifi' && through !== undefined ? await readWifiName(bus, through) : undefined;
  const vpns = await Promise.all(connections.map((connection) => isVpn(bus, connection)));
  return {
    isConnected: manager['State'] >= CONNECTED_SITE && ![NONE, PORTAL].includes(Number(manager['Connectivity'])),
    ...(link !== undefined && { link }),
    ...(isMetered !== undefined && { isMetered }),
    ...(wifiName !== undefined && { wifiName }),
    isVpn: vpns.includes(true),
  };
}

interface Connection extends Properties {
  readonly path: string;
}

async function readConnections(bus: SystemBus, manager: Properties): Promise<Connection[]> {
  const paths = objectPaths(manager['ActiveConnections']).slice(0, mostConnections);
  const read = paths.map(async (path) => {
    const found = await bus.properties({ service, path, interface: `${service}.Connection.Active` });
    return found === undefined ? [] : [{ ...found, path }];
  });
  return (await Promise.all(read)).flat();
}

/** The primary one or, where that is a VPN, what it goes through. */
function connectionToTheWorld(connections: readonly Connection[], primary: unknown): Connection | undefined {
  const physical = connections.filter((connection) => linkOfType.has(connection['Type']));
  return (
    physical.find(({ path }) => path === primary) ??
    physical.find((connection) => connection['Default'] === true || connection['Default6'] === true) ??
    physical[0]
  );
}

async function readWifiName(bus: SystemBus, connection: Properties): Promise<string | undefined> {
  const path = connection['SpecificObject'];
  if (typeof path !== 'string' || !path.startsWith(`${networkManagerPath}/AccessPoint/`)) return undefined;
  const accessPoint = await bus.properties({ service, path, interface: `${service}.AccessPoint` });
  const ssid = accessPoint?.['Ssid'];
  // IEEE 802.11: up to 32 bytes, of no charset.
  if (!(ssid instanceof Uint8Array) || ssid.length === 0 || ssid.length > 32) return undefined;
  return new TextDecoder().decode(ssid);
}

async function isVpn(bus: SystemBus, connection: Properties): Promise<boolean> {
  if (connection['Type'] === 'vpn' || connection['Type'] === 'wireguard') return true;
  if (connection['Type'] !== 'tun') return false;
  // The network cards of virtual machines are of this type too, in another mode.
  const modes = objectPaths(connection['Devices']).map(async (path) => {
    const device = await bus.properties({ service, path, interface: `${service}.Device.Tun` });
    return device?.['Mode'];
  });
  return (await Promise.all(modes)).some((mode) => mode !== 'tap');
}

function objectPaths(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((path) => typeof path === 'string') : [];
}
