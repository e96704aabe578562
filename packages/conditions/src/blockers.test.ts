import { expect, test } from 'vitest';
import { blockersOf, stopsRun } from './blockers.ts';
import { parseDayWindow } from './day-window.ts';
import { readRules } from './read-rules.ts';
import type { Readings } from './readings.ts';
import type { ConditionRules } from './rules.ts';

const noon = new Date('2026-11-26T12:00:00');
const good: Readings = {
  power: { source: 'mains' },
  network: { isConnected: true, link: 'wifi', wifiName: 'Home', isMetered: false, isVpn: false },
  session: { isIdle: true, isLocked: false },
  loadPerCore: 0.2,
  celsius: 40,
};
const night = ['22:00-06:00'].map(parseDayWindow).filter((window) => window !== undefined);
const all: ConditionRules = {
  onMains: true,
  online: true,
  unmetered: true,
  wifi: ['Home'],
  notOnVpn: true,
  idle: true,
  loadBelow: 1,
  coolerThan: 80,
};

function codes(rules: ConditionRules, readings: Readings): readonly string[] {
  return blockersOf(rules, readings, noon).map(({ code }) => code);
}

test('nothing is in the way when every rule holds, or there is none', () => {
  expect(codes(all, good)).toEqual([]);
  expect(codes({}, {})).toEqual([]);
});

test('a machine that tells nothing fulfils no rule, and says that it does not tell', () => {
  const blockers = blockersOf({ ...all, onMains: true }, {}, noon);
  expect(blockers.map(({ code }) => code)).toEqual([
    'on-battery',
    'metered',
    'other-wifi',
    'on-vpn',
    'in-use',
    'busy',
    'hot',
  ]);
  expect(blockers.every(({ isUnknown }) => isUnknown)).toBe(true);
});

test.each<[string, ConditionRules, Readings, readonly string[]]>([
  ['battery, however full', { onMains: true }, { power: { source: 'battery', level: 1 } }, ['on-battery']],
  ['battery above the level', { batteryAbove: 0.4 }, { power: { source: 'battery', level: 0.41 } }, []],
  ['battery at the level', { batteryAbove: 0.4 }, { power: { source: 'battery', level: 0.4 } }, ['battery-low']],
  ['battery of unknown charge', { batteryAbove: 0.4 }, { power: { source: 'battery' } }, ['battery-low']],
  ['no network says nothing more of it', all, { ...good, network: { isConnected: false } }, ['no-network']],
  ['a network of unknown cost', { unmetered: true }, { network: { isConnected: true } }, ['metered']],
  ['a cable is any Wi-Fi', { wifi: ['Home'] }, { network: { isConnected: true, link: 'cable' } }, []],
  ['a mobile network', { wifi: ['Home'] }, { network: { isConnected: true, link: 'mobile' } }, ['other-wifi']],
  [
    'another Wi-Fi',
    { wifi: ['Home'] },
    { network: { isConnected: true, link: 'wifi', wifiName: 'Café' } },
    ['other-wifi'],
  ],
  ['locked and not idle', { idle: true }, { session: { isIdle: false, isLocked: true } }, []],
  ['neither', { idle: true }, { session: { isIdle: false, isLocked: false } }, ['in-use']],
  ['not idle, of unknown lock', { idle: true }, { session: { isIdle: false } }, ['in-use']],
  ['as busy as the limit', { loadBelow: 1 }, { loadPerCore: 1 }, ['busy']],
  ['as hot as the limit', { coolerThan: 80 }, { celsius: 80 }, ['hot']],
])('%s', (_, rules, readings, expected) => {
  expect(codes(rules, readings)).toEqual(expected);
});

test('out of hours, the next start of the nearest window is when it ends', () => {
  const windows = [...night, ...['18:30-19:00'].map(parseDayWindow).filter((window) => window !== undefined)];
  const [blocker] = blockersOf({ between: windows }, {}, noon);
  expect(blocker).toMatchObject({ code: 'outside-hours', until: new Date('2026-11-26T18:30:00') });
  expect(blockersOf({ between: windows }, {}, new Date('2026-11-26T23:00:00'))).toEqual([]);
});

test('only a load that a run may itself make does not stop one', () => {
  const { wifi, ...rest } = all;
  const blockers = blockersOf({ ...rest, wifi: wifi ?? [], between: night }, {}, noon);
  expect(blockers.filter((blocker) => !stopsRun(blocker)).map(({ code }) => code)).toEqual(['busy']);
});

test('rules are read as they are written, and false asks nothing', () => {
  const written = { ...all, between: ['22:00-06:00'] } as Record<string, unknown>;
  delete written['online'];
  expect(readRules(JSON.parse(JSON.stringify(written)))).toEqual(written);
  expect(readRules({ unmetered: false, idle: false })).toEqual({});
});

test.each([
  [[], 'it is not an object'],
  [{ online: true }, 'there is no field "online"'],
  [{ onMains: 'yes' }, '"onMains" is neither true nor false'],
  [{ batteryAbove: 40 }, '"batteryAbove" is no number from 0 to below 1'],
  [{ wifi: 'Home' }, '"wifi" is no list of texts'],
  [{ wifi: [] }, '"wifi" is no list of texts'],
  [{ loadBelow: 0 }, '"loadBelow" is no number above 0'],
  [{ between: ['night'] }, '"between" has "night", which is no time such as "22:00-06:00"'],
])('%j is refused', (written, says) => {
  expect(() => readRules(written)).toThrow(says);
});
