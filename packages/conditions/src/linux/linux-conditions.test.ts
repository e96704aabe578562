import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasMock, MockBus, mockNote, type Template } from '@keephold/testkit';
import { Variant } from 'dbus-native';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Conditions } from '../conditions.ts';
import type { Readings } from '../readings.ts';
import { openLinuxConditions } from './linux-conditions.ts';

const userId = 1000;
const root = mkdtempSync(join(tmpdir(), 'keephold-sys-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function file(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

// A laptop on battery behind a cable of no USB, which says something else than the services below.
file('sys/class/power_supply/BAT0/type', 'Battery\n');
file('sys/class/power_supply/BAT0/status', 'Discharging\n');
file('sys/class/power_supply/BAT0/capacity', '17\n');
file('sys/class/net/eth0/device/vendor', '0x8086\n');
file('proc/net/route', 'Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n');
file('proc/loadavg', '3.00 1.00 0.50 1/123 4567\n');
file('sys/class/thermal/thermal_zone0/temp', '48500\n');

const told: Readings = {
  power: { source: 'battery', level: 0.17 },
  network: { isConnected: true, link: 'cable', isMetered: false, isVpn: false },
  loadPerCore: 1.5,
  celsius: 48.5,
};

function open(address: string): Promise<Conditions> {
  return openLinuxConditions({ busAddress: address, userId, cores: 2, root });
}

/** Resolves when the readings are as is asked, by word of a change alone. */
function until(conditions: Conditions, holds: (readings: Readings) => boolean): Promise<Readings> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds(conditions.current())) return;
      watch[Symbol.dispose]();
      resolve(conditions.current());
    };
    const watch = conditions.onChange(look);
    look();
  });
}

test('without a bus the files of the kernel tell, and the machine is not kept awake', async () => {
  await using conditions = await open(`unix:path=${join(root, 'no-bus')}`);
  expect(conditions.current()).toEqual(told);
  await using _lock = await conditions.stayAwake('a test');
});

test('an address that is none is as no bus', async () => {
  await using conditions = await open('nonsense');
  expect(conditions.current()).toEqual(told);
});

test('while a run keeps the machine awake, what only files tell is seen within a second or two', async () => {
  await using conditions = await open(`unix:path=${join(root, 'no-bus')}`);
  await using _lock = await conditions.stayAwake('a test');
  file('sys/class/power_supply/BAT0/capacity', '16\n');
  const seen = until(conditions, ({ power }) => power?.level === 0.16);
  expect((await seen).power?.source).toBe('battery');
  file('sys/class/power_supply/BAT0/capacity', '17\n');
});

describe.skipIf(!hasMock)(`with services on a bus${mockNote}`, () => {
  const bus = new MockBus();
  beforeAll(async () => {
    await bus.startDaemon();
    await Promise.all((['upower', 'networkmanager', 'logind'] as const).map((name) => bus.start(name)));
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  function set(
    template: Template,
    name: string,
    value: Variant,
    at: { readonly path?: string; readonly interface?: string } = {},
  ): Promise<unknown> {
    return bus.setProperty(template, name, { signature: value.signature, value: value.value, ...at });
  }

  test('power: mains without a battery, then on battery with its charge', async () => {
    await using conditions = await open(bus.address);
    expect(conditions.current().power).toEqual({ source: 'mains' });
    const display = {
      path: '/org/freedesktop/UPower/devices/DisplayDevice',
      interface: 'org.freedesktop.UPower.Device',
    };
    await set('upower', 'IsPresent', new Variant('b', true), display);
    await set('upower', 'Percentage', new Variant('d', 31), display);
    await set('upower', 'OnBattery', new Variant('b', true));
    const { power } = await until(conditions, (now) => now.power?.source === 'battery');
    expect(power).toEqual({ source: 'battery', level: 0.31 });
  });

  test('network: the Wi-Fi by its name, metered as the service says, a VPN by its type', async () => {
    await using conditions = await open(bus.address);
    expect(conditions.current().network).toEqual({ isConnected: true, isVpn: false });
    const manager = '/org/freedesktop/NetworkManager';
    const nm = 'networkmanager';
    // The template lacks them.
    const more = { PrimaryConnection: new Variant('o', `${manager}/ActiveConnection/0`), Metered: new Variant('u', 0) };
    await bus.steer({
      template: nm,
      method: 'AddProperties',
      signature: 'sa{sv}',
      body: ['org.freedesktop.NetworkManager', more],
    });
    await bus.steer({ template: nm, method: 'AddWiFiDevice', signature: 'ssi', body: ['wlan', 'wlan0', 100] });
    const device = `${manager}/Devices/wlan`;
    const point = [device, 'Home', 'Café', '00:23:f8:7e:12:bb', 2, 2425, 5400, 82, 0x100];
    await bus.steer({ template: nm, method: 'AddAccessPoint', signature: 'ssssuuuyu', body: point });
    await bus.steer({
      template: nm,
      method: 'AddWiFiConnection',
      signature: 'ssss',
      body: [device, 'Home', 'Café', ''],
    });
    const active = [[device], `${manager}/Settings/Home`, `${manager}/AccessPoint/Home`, '0', 2];
    await bus.steer({ template: nm, method: 'AddActiveConnection', signature: 'assssu', body: active });
    await set(nm, 'Metered', new Variant('u', 3));
    const { network } = await until(conditions, (now) => now.network?.isMetered === true);
    expect(network).toEqual({ isConnected: true, link: 'wifi', isMetered: true, wifiName: 'Café', isVpn: false });

    await set(nm, 'Metered', new Variant('u', 0));
    const unknown = await until(conditions, (now) => now.network?.isMetered === undefined);
    expect(unknown.network?.wifiName).toBe('Café');

    await set(nm, 'Type', new Variant('s', 'wireguard'), {
      path: `${manager}/ActiveConnection/0`,
      interface: 'org.freedesktop.NetworkManager.Connection.Active',
    });
    await until(conditions, (now) => now.network?.isVpn === true);

    await set(nm, 'Connectivity', new Variant('u', 2));
    await until(conditions, (now) => now.network?.isConnected === false);
  });

  test('session: idle when nobody is there, in use by this user alone, locked', async () => {
    await using conditions = await open(bus.address);
    expect(conditions.current().session).toEqual({ isIdle: true, isLocked: false });
    await bus.steer({
      template: 'logind',
      method: 'AddSession',
      signature: 'ssusb',
      body: ['c1', 'seat0', 1001, 'ben', true],
    });
    await bus.steer({
      template: 'logind',
      method: 'AddSession',
      signature: 'ssusb',
      body: ['c2', 'seat0', userId, 'ann', true],
    });
    const path = '/org/freedesktop/login1/session/c2';
    const of = 'org.freedesktop.login1.Session';
    // The mock says nothing of new sessions itself; logind does.
    const news = [
      'org.freedesktop.login1.Manager',
      'SessionNew',
      'so',
      [new Variant('s', 'c2'), new Variant('o', path)],
    ];
    await bus.steer({ template: 'logind', method: 'EmitSignal', signature: 'sssav', body: news });
    await until(conditions, ({ session }) => session?.isIdle === false);
    await bus.steer({ template: 'logind', path, interface: of, method: 'SetLockedHint', signature: 'b', body: [true] });
    const { session } = await until(conditions, (now) => now.session?.isLocked === true);
    expect(session).toEqual({ isIdle: true, isLocked: true });
  });

  test('the machine is kept awake until it need not be, or who kept it awake is killed', async () => {
    await using conditions = await open(bus.address);
    const inhibitors = (): Promise<unknown> =>
      bus.steer({ template: 'logind', interface: 'org.freedesktop.login1.Manager', method: 'ListInhibitors' });
    const lock = await conditions.stayAwake('backing up home');
    expect(await inhibitors()).toMatchObject([['sleep', 'Keephold', 'backing up home', 'block', 1000, 123456]]);
    await lock[Symbol.asyncDispose]();
    // The mock lets go of it when it comes round to it.
    while (((await inhibitors()) as unknown[]).length > 0);

    const program = join(import.meta.dirname, '_stay-awake-process.ts');
    const child = spawn(process.execPath, [...process.execArgv, program, bus.address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(await inhibitors()).toMatchObject([
      ['sleep', 'Keephold', 'a process that is killed', 'block', 1000, 123456],
    ]);
    child.kill('SIGKILL');
    while (((await inhibitors()) as unknown[]).length > 0);
  });

  test('values of the wrong type and out of range are as values that are not told', async () => {
    await set('upower', 'OnBattery', new Variant('s', 'yes'));
    await set('networkmanager', 'State', new Variant('s', 'x'.repeat(100)));
    await using conditions = await open(bus.address);
    expect(conditions.current()).toMatchObject({ power: told.power, network: told.network });
    await set('upower', 'OnBattery', new Variant('b', true));
    const display = {
      path: '/org/freedesktop/UPower/devices/DisplayDevice',
      interface: 'org.freedesktop.UPower.Device',
    };
    await set('upower', 'Percentage', new Variant('d', 1e9), display);
    const { power } = await until(conditions, (now) => now.power?.level === undefined);
    expect(power).toEqual({ source: 'battery' });
  });

  test('an answer of absurd size is dropped with the connection, which comes back', async () => {
    const display = {
      path: '/org/freedesktop/UPower/devices/DisplayDevice',
      interface: 'org.freedesktop.UPower.Device',
    };
    await set('upower', 'IsPresent', new Variant('b', true), display);
    await set('upower', 'Percentage', new Variant('d', 50), display);
    await set('upower', 'DaemonVersion', new Variant('s', 'x'.repeat(2 << 20)));
    await using conditions = await open(bus.address);
    expect(conditions.current().power).toEqual(told.power);
    await set('upower', 'DaemonVersion', new Variant('s', '1'));
    await until(conditions, (now) => now.power?.level === 0.5);
  });

  test('a service that goes leaves the files to tell, and is asked again when it is back', async () => {
    await using conditions = await open(bus.address);
    await bus.stop('upower');
    await until(conditions, ({ power }) => power?.level === told.power?.level);
    await bus.start('upower');
    const { power } = await until(conditions, (now) => now.power?.source === 'mains');
    expect(power).toEqual({ source: 'mains' });
  });

  test('a bus that goes leaves the files to tell, and is asked again when it is back', async () => {
    await using conditions = await open(bus.address);
    expect(conditions.current().session).toBeDefined();
    await bus.stopDaemon();
    expect(await until(conditions, ({ session }) => session === undefined)).toEqual(told);
    await bus.startDaemon();
    await bus.start('upower');
    await until(conditions, ({ power }) => power?.source === 'mains');
  });
});
