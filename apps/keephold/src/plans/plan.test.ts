import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPlans, isPlanName, type Plan, parsePlans } from './plan.ts';

const home: Plan = { name: 'home', repository: '/disk/backup', folders: ['/home/ann'], excludes: ['*.iso'] };

const conditions = fc.record(
  {
    batteryAbove: fc.double({ min: 0, max: 0.99, noNaN: true }).map((share) => share + 0),
    unmetered: fc.constant(true as const),
    wifi: fc.array(fc.string({ minLength: 1 }), { minLength: 1 }),
    idle: fc.constant(true as const),
  },
  { requiredKeys: [] },
);

const plan = fc.record({
  name: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  repository: fc.oneof(
    fc.string({ unit: 'binary' }).map((rest) => `/${rest}`),
    fc.constant('https://backup.example.org'),
  ),
  // Bytes that are no UTF-8 stand as lone surrogates.
  folders: fc.array(
    fc.string({ unit: 'binary' }).map((rest) => `/${rest}\udc80`),
    { minLength: 1 },
  ),
  excludes: fc.array(fc.string({ minLength: 1 })),
  conditions,
  goal: fc.constantFrom('90min', '24h', '7d'),
});

test('what is written is read back', () => {
  const plans = fc.uniqueArray(plan, { selector: ({ name }) => name });
  fc.assert(
    fc.property(plans, (some) => {
      expect(parsePlans(formatPlans(some))).toEqual(some);
    }),
  );
});

test('whatever the text is, plans are read or a typed error says why not', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((plans) => JSON.stringify({ version: 1, plans })),
  );
  fc.assert(
    fc.property(text, (written) => {
      try {
        for (const { name, folders } of parsePlans(written))
          expect([isPlanName(name), folders.length > 0]).toEqual([true, true]);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^plans-(malformed|newer)$/) as string });
      }
    }),
  );
});

test.each([
  ['an unknown field', { ...home, exclude: ['*.mp4'] }, 'plan 1: there is no field "exclude"'],
  ['a missing field', { name: 'home', repository: '/disk', folders: ['/home'] }, 'plan 1: "excludes" is missing'],
  ['no folder', { ...home, folders: [] }, 'plan 1: "folders" is empty'],
  ['a relative folder', { ...home, folders: ['ann'] }, 'plan 1: the folder "ann" is no absolute path'],
  ['a relative repository', { ...home, repository: 'disk' }, 'plan 1: "repository" is neither'],
  ['a pattern that is no text', { ...home, excludes: [7] }, 'plan 1: "excludes" is not a list of texts'],
  ['a condition of its own making', { ...home, conditions: { moon: 'full' } }, 'plan 1: in "conditions", there is no'],
  ['a goal that is no time', { ...home, goal: 'daily' }, 'plan 1: "goal" is no time'],
  ['a name that is none', { ...home, name: '../home' }, 'plan 1: "name" is no name of a plan'],
])('%s is refused and named', (_, written, says) => {
  expect(() => parsePlans(JSON.stringify({ version: 1, plans: [written] }))).toThrow(says);
});

test('two plans of one name are refused', () => {
  expect(() => parsePlans(formatPlans([home, home]))).toThrow('two plans are called "home"');
});

test('a file of a later version is not taken for a damaged one', () => {
  expect(() => parsePlans('{"version":2,"plans":[]}')).toThrow('later version');
});
