import { expect, test } from 'vitest';
import { jobs } from './jobs.ts';
import { eachRound, rounds, roundsFor } from './torture-job.ts';

test('rounds have seeds of their own, and a failing one names its seed', async () => {
  const seeds: number[] = [];
  const count = await eachRound({ seed: 40, more: rounds(3) }, async (seed) => {
    seeds.push(seed);
  });
  expect([count, seeds]).toEqual([3, [40, 41, 42]]);
  const failing = eachRound({ seed: 40, more: rounds(3) }, async (seed) => {
    if (seed === 41) throw new Error('lost a pack');
  });
  await expect(failing).rejects.toThrow('round with --seed 41 --rounds 1: lost a pack');
});

test('a job runs once at least, and begins no round after its time', () => {
  let time = 0;
  const more = roundsFor(2, () => time);
  expect([more(0), more(1)]).toEqual([true, true]);
  time = 2000;
  expect([more(0), more(1)]).toEqual([true, false]);
});

test('names of jobs are words, each used once', () => {
  const names = jobs.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z-]*$/);
});
