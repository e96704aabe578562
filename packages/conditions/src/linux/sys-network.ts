/** The network as the kernel has it, for machines without NetworkManager: what has the default route. */
import type { NetworkReading } from '../readings.ts';
import type { SystemFiles } from './system-files.ts';

const folder = 'sys/class/net';

type Link = Pick<NetworkReading, 'link' | 'isMetered'>;

export async function readSysNetwork(files: SystemFiles): Promise<NetworkReading> {
  const through = (await routes4(files)) ?? (await routes6(files));
  const names = await files.names(folder);
  const vpns = await Promise.all(names.map((name) => isVpn(files, name)));
  const link = through === undefined ? {} : await linkOf(files, through);
  return { isConnected: through !== undefined, ...link, isVpn: vpns.includes(true) };
}

/** The interface of the default route: "eth0 00000000 010011AC 0003 0 0 100 00000000 …", numbers in hexadecimal. */
async function routes4(files: SystemFiles): Promise<string | undefined> {
  const rows = rowsOf(await files.text('proc/net/route')).filter(
    ([, to, , flags, , , , mask]) => to === '00000000' && mask === '00000000' && isUp(flags),
  );
  rows.sort((one, other) => Number(one[6]) - Number(other[6]));
  return interfaceName(rows[0]?.[0]);
}

/** "00…00 00 00…00 00 fe80…01 00000400 00000001 00000000 00450003 eth0" */
async function routes6(files: SystemFiles): Promise<string | undefined> {
  const row = rowsOf(await files.text('proc/net/ipv6_route')).find(
    ([to, bits, , , , , , , flags, name]) => /^0{32}$/.test(to ?? '') && bits === '00' && isUp(flags) && name !== 'lo',
  );
  return interfaceName(row?.[9]);
}

/** RTF_UP without RTF_REJECT. */
function isUp(flags = ''): boolean {
  return (Number.parseInt(flags, 16) & 0x201) === 1;
}

function rowsOf(text = ''): string[][] {
  return text.split('\n').map((line) => line.trim().split(/\s+/));
}

/** As the kernel allows them: what is none leads nowhere. */
function interfaceName(name = ''): string | undefined {
  return /^[^/\s]{1,15}$/.test(name) && !/^\.{1,2}$/.test(name) ? name : undefined;
}

// A VLAN on a bond on two cards; more levels are a loop.
const mostLevels = 4;

/** A cable is not metered unless it leads into USB, where phones that lend their network are; that is how NetworkManager guesses. */
async function linkOf(files: SystemFiles, name: string, level = 0): Promise<Link> {
  const type = await deviceType(files, name);
  if (type === 'wlan' || (await files.names(folder, name, 'wireless')).length > 0) return { link: 'wifi' };
  if (type === 'wwan') return { link: 'mobile' };
  const isCard = (await files.names(folder, name, 'device')).length > 0;
  if (isCard) {
    const isUsb = (await files.linkName(folder, name, 'device/subsystem')) === 'usb';
    return isUsb ? { link: 'cable' } : { link: 'cable', isMetered: false };
  }
  const below = (await files.names(folder, name)).find((entry) => entry.startsWith('lower_'));
  return below === undefined || level === mostLevels ? {} : linkOf(files, below.slice('lower_'.length), level + 1);
}

async function isVpn(files: SystemFiles, name: string): Promise<boolean> {
  // IFF_UP
  if ((((await files.number(folder, name, 'flags')) ?? 0) & 1) === 0) return false;
  if ((await deviceType(files, name)) === 'wireguard') return true;
  // IFF_TUN; virtual machines have IFF_TAP.
  return (((await files.number(folder, name, 'tun_flags')) ?? 0) & 1) === 1;
}

async function deviceType(files: SystemFiles, name: string): Promise<string | undefined> {
  return /^DEVTYPE=(.*)$/m.exec((await files.text(folder, name, 'uevent')) ?? '')?.[1];
}
