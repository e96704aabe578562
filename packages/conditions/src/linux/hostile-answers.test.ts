/** Whoever owns the name of a service can answer anything that D-Bus can carry. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLogind } from './logind.ts';
import { readNetworkManager } from './network-manager.ts';
import type { Properties, SystemBus } from './system-bus.ts';
import { readUpower } from './upower.ts';

const paths = [
  '/',
  '/org/freedesktop/NetworkManager/AccessPoint/1',
  '/org/freedesktop/NetworkManager/ActiveConnection/1',
  '..',
];
const value: fc.Arbitrary<unknown> = fc.oneof(
  { maxDepth: 3 },
  fc.boolean(),
  fc.double(),
  fc.constantFrom(-1, 0, 1, 60, 101, Number.POSITIVE_INFINITY),
  fc.integer(),
  fc.bigInt(),
  fc.string(),
  fc.constantFrom(...paths, '802-11-wireless', 'tun', 'vpn', 'user', 'closing'),
  fc.uint8Array({ maxLength: 40 }),
  fc.array(fc.constantFrom(...paths)),
  fc.array(fc.array(fc.string())),
);
const names = [
  ['OnBattery', 'Percentage', 'IsPresent'],
  ['State', 'Connectivity', 'Metered', 'PrimaryConnection', 'ActiveConnections'],
  ['Type', 'Default', 'Default6', 'SpecificObject', 'Devices', 'Ssid', 'Mode'],
  ['Class', 'IdleHint', 'LockedHint', '__proto__'],
].flat();
/** Right in its type more often than not: what is wrong in one place only gets furthest. */
const likely = new Map<string, fc.Arbitrary<unknown>>([
  ['OnBattery', fc.boolean()],
  ['IsPresent', fc.boolean()],
  ['Percentage', fc.constantFrom(-1, 50, 101, Number.NaN)],
  ['State', fc.constantFrom(20, 70, 'closing')],
]);
const fields = Object.fromEntries(
  names.map((name) => [name, fc.oneof({ weight: 3, arbitrary: likely.get(name) ?? value }, value)]),
);
const properties = fc.oneof({ weight: 9, arbitrary: fc.record(fields, { requiredKeys: [] }) }, fc.constant(undefined));

/** Answers with one after the other of what is given, and then with nothing. */
function busOf(answers: readonly (Properties | undefined)[], listed: unknown): SystemBus {
  const left = [...answers];
  return {
    properties: () => Promise.resolve(left.shift()),
    call: () => Promise.resolve(listed),
    [Symbol.dispose]: () => undefined,
  };
}

const booleanOrAbsent = [true, false, undefined];

test('power, network and session are of their types or not told, whatever is answered', async () => {
  const session = fc.tuple(fc.string(), fc.constantFrom(7, 8), value, value, fc.constantFrom(...paths));
  const listed = fc.oneof(value, fc.array(fc.oneof(session, value)));
  await fc.assert(
    fc.asyncProperty(fc.array(properties, { maxLength: 20 }), listed, async (answers, sessions) => {
      const power = await readUpower(busOf(answers, sessions));
      if (power !== undefined) expect(['mains', 'battery']).toContain(power.source);
      if (power?.level !== undefined) expect(power.level >= 0 && power.level <= 1).toBe(true);
      const network = await readNetworkManager(busOf(answers, sessions));
      expect([undefined, 'wifi', 'cable', 'mobile']).toContain(network?.link);
      expect(['string', 'undefined']).toContain(typeof network?.wifiName);
      for (const flag of [network?.isConnected, network?.isMetered, network?.isVpn])
        expect(booleanOrAbsent).toContain(flag);
      const person = await readLogind(busOf(answers, sessions), 7);
      for (const flag of [person?.isIdle, person?.isLocked]) expect(booleanOrAbsent).toContain(flag);
    }),
    { numRuns: 200 },
  );
});
