/** What machines without D-Bus services say, each a folder of what Linux has in /sys and /proc. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSysNetwork } from './sys-network.ts';
import { readSysPower } from './sys-power.ts';
import { readSysStrain } from './sys-strain.ts';
import { type SystemFiles, systemFiles } from './system-files.ts';

const place = mkdtempSync(join(tmpdir(), 'keephold-kernel-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Of path → text; a text that begins with "->" is a link. */
function machine(files: Readonly<Record<string, string>>): SystemFiles {
  const root = mkdtempSync(join(place, 'root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), join(root, path));
    else writeFileSync(join(root, path), `${text}\n`);
  }
  return systemFiles(root);
}

const supply = 'sys/class/power_supply';
const battery = { [`${supply}/BAT0/type`]: 'Battery', [`${supply}/BAT0/capacity`]: '80' };

test.each<[string, Record<string, string>, unknown]>([
  ['nothing of power', {}, { source: 'mains' }],
  [
    'a mouse with a battery',
    { [`${supply}/hid/type`]: 'Battery', [`${supply}/hid/scope`]: 'Device', [`${supply}/hid/capacity`]: '5' },
    { source: 'mains' },
  ],
  [
    'a battery and a charger that is out',
    { ...battery, [`${supply}/AC/type`]: 'Mains', [`${supply}/AC/online`]: '0' },
    { source: 'battery', level: 0.8 },
  ],
  [
    'a battery and a charger by USB',
    { ...battery, [`${supply}/ucsi/type`]: 'USB', [`${supply}/ucsi/online`]: '1' },
    { source: 'mains', level: 0.8 },
  ],
  [
    'a battery that charges from something unseen',
    { ...battery, [`${supply}/BAT0/status`]: 'Charging' },
    { source: 'mains', level: 0.8 },
  ],
  [
    'two batteries',
    { ...battery, [`${supply}/BAT1/type`]: 'Battery', [`${supply}/BAT1/capacity`]: '40' },
    { source: 'battery', level: 0.6000000000000001 },
  ],
  ['a bay without its battery', { ...battery, [`${supply}/BAT0/present`]: '0' }, { source: 'mains' }],
  ['a charge out of range', { ...battery, [`${supply}/BAT0/capacity`]: '65535' }, { source: 'battery' }],
])('power: %s', async (_, files, expected) => {
  expect(await readSysPower(machine(files))).toEqual(expected);
});

const net = 'sys/class/net';
const header = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
function route(name: string, metric = 100): string {
  return `${name}\t00000000\t010011AC\t0003\t0\t0\t${metric}\t00000000\t0\t0\t0`;
}

test.each<[string, Record<string, string>, unknown]>([
  ['no route', { 'proc/net/route': header }, { isConnected: false, isVpn: false }],
  [
    'the Wi-Fi, whose metric is less',
    {
      'proc/net/route': [header, route('eth0', 200), route('wlan0', 100)].join('\n'),
      [`${net}/wlan0/uevent`]: 'DEVTYPE=wlan\nINTERFACE=wlan0',
    },
    { isConnected: true, link: 'wifi', isVpn: false },
  ],
  [
    'a mobile network',
    { 'proc/net/route': `${header}\n${route('wwan0')}`, [`${net}/wwan0/uevent`]: 'DEVTYPE=wwan' },
    { isConnected: true, link: 'mobile', isVpn: false },
  ],
  [
    'a phone by USB, which may cost',
    { 'proc/net/route': `${header}\n${route('usb0')}`, [`${net}/usb0/device/subsystem`]: '->../../../bus/usb' },
    { isConnected: true, link: 'cable', isVpn: false },
  ],
  [
    'a card behind a bridge',
    {
      'proc/net/route': `${header}\n${route('br0')}`,
      [`${net}/br0/lower_eth0`]: '->../eth0',
      [`${net}/eth0/device/subsystem`]: '->../../../bus/pci',
    },
    { isConnected: true, link: 'cable', isMetered: false, isVpn: false },
  ],
  [
    'a bridge on itself',
    { 'proc/net/route': `${header}\n${route('br0')}`, [`${net}/br0/lower_br0`]: '' },
    { isConnected: true, isVpn: false },
  ],
  [
    'IPv6 alone',
    {
      'proc/net/ipv6_route': `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe80${'0'.repeat(27)}1 00000400 00000001 00000000 00450003     eth0`,
      [`${net}/eth0/device/vendor`]: '0x8086',
    },
    { isConnected: true, link: 'cable', isMetered: false, isVpn: false },
  ],
  [
    'a route that is refused',
    {
      'proc/net/ipv6_route': `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ffffffff 00000001 00000000 00200200       lo`,
    },
    { isConnected: false, isVpn: false },
  ],
  [
    'a name that leads elsewhere',
    { 'proc/net/route': `${header}\n${route('..')}` },
    { isConnected: false, isVpn: false },
  ],
  [
    'WireGuard, which is up',
    { [`${net}/wg0/uevent`]: 'DEVTYPE=wireguard', [`${net}/wg0/flags`]: '0x91' },
    { isConnected: false, isVpn: true },
  ],
  [
    'a tunnel that is up, and the card of a virtual machine',
    {
      [`${net}/tun0/tun_flags`]: '0x1001',
      [`${net}/tun0/flags`]: '0x1091',
      [`${net}/vnet0/tun_flags`]: '0x5002',
      [`${net}/vnet0/flags`]: '0x1003',
    },
    { isConnected: false, isVpn: true },
  ],
  [
    'the card of a virtual machine alone',
    { [`${net}/vnet0/tun_flags`]: '0x5002', [`${net}/vnet0/flags`]: '0x1003' },
    { isConnected: false, isVpn: false },
  ],
])('network: %s', async (_, files, expected) => {
  expect(await readSysNetwork(machine(files))).toEqual(expected);
});

test('strain: load by core, and the hottest sensor that is on', async () => {
  const zone = 'sys/class/thermal/thermal_zone';
  const files = machine({ 'proc/loadavg': '6.00 0 0 1/2 3', [`${zone}0/temp`]: '-274000', [`${zone}1/temp`]: '61200' });
  expect(await readSysStrain(files, 4)).toEqual({ loadPerCore: 1.5, celsius: 61.2 });
  expect(await readSysStrain(machine({}), 4)).toEqual({});
});
