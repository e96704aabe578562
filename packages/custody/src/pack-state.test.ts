import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterCollection,
  afterCommit,
  afterFound,
  afterMissing,
  afterPurge,
  afterPut,
  afterRenewal,
  afterSetAside,
  DAY,
  isReferable,
  mayDelete,
  type PackEntry,
  type PackState,
  standing,
} from './pack-state.ts';

const STATES: readonly PackState[] = ['pending', 'live', 'condemned', 'purging', 'lost'];
const entry = (state: PackState, since = 0): PackEntry => ({ state, kind: 1, pages: 1, since });
const pack = { kind: 1, pages: 1 };

describe('states of a pack', () => {
  it('follow the diagram', () => {
    const unneeded = { isNeeded: false, now: DAY, delay: DAY };
    const row = (state: PackState): readonly (PackState | undefined)[] => [
      afterPut(entry(state), pack, DAY)?.state,
      afterCommit(entry(state)).state,
      afterCollection(entry(state, DAY), unneeded).state,
      afterCollection(entry(state, 0), unneeded).state,
      afterCollection(entry(state), { ...unneeded, isNeeded: true }).state,
      afterFound(entry(state), { pages: 1, writtenAt: 0 }).state,
      afterMissing(entry(state))?.state,
      afterSetAside(entry(state))?.state,
    ];
    expect(STATES.map(row)).toEqual([
      ['pending', 'live', 'condemned', 'condemned', 'live', 'pending', undefined, undefined],
      ['live', 'live', 'condemned', 'condemned', 'live', 'live', 'lost', 'lost'],
      ['condemned', 'live', 'condemned', 'purging', 'live', 'condemned', undefined, undefined],
      [undefined, 'live', 'purging', 'purging', 'purging', 'purging', undefined, 'purging'],
      ['live', 'live', 'lost', 'lost', 'lost', 'live', 'lost', 'lost'],
    ]);
    expect(afterPut(undefined, pack, 0)).toMatchObject({ state: 'pending', since: 7 * DAY });
    expect(afterRenewal(entry('pending', DAY), DAY)).toMatchObject({ state: 'pending', since: 8 * DAY });
    expect(afterFound(undefined, { pages: 3, writtenAt: DAY })).toMatchObject({ state: 'pending', since: 8 * DAY });
    expect(afterPurge(undefined).state).toBe('purging');
  });

  it('say what a commit may assume, what may be offered, and what may be deleted', () => {
    expect([undefined, ...STATES.map((state) => entry(state))].map(standing)).toEqual([
      'unproven',
      'unproven',
      'there',
      'there',
      'missing',
      'missing',
    ]);
    expect(STATES.filter(isReferable)).toEqual(['pending', 'live', 'condemned']);
    expect(STATES.filter((state) => mayDelete(entry(state)))).toEqual(['purging']);
    expect(mayDelete(undefined)).toBe(false);
  });

  it('let no lease be cut short and no purge come early', () => {
    expect(afterCollection(entry('pending', DAY), { isNeeded: false, now: DAY - 1, delay: 0 }).state).toBe('pending');
    fc.assert(
      fc.property(fc.constantFrom(...STATES), fc.nat(), fc.nat(), fc.nat(), (state, since, now, delay) => {
        const after = afterCollection(entry(state, since), { isNeeded: false, now, delay });
        const condemnedAt = state === 'condemned' ? since : now;
        const leaseOver = state !== 'pending' || since <= now;
        const isDue = state !== 'lost' && leaseOver && condemnedAt + delay <= now;
        expect(after.state === 'purging').toBe(state === 'purging' || isDue);
      }),
    );
  });
});
