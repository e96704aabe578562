import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterCommit, afterPut, afterUnneeded, DAY, mayPurge, type PackEntry, type PackState } from './pack-state.ts';

const STATES: readonly PackState[] = ['pending', 'live', 'condemned', 'purging', 'lost'];
const entry = (state: PackState, since = 0): PackEntry => ({ state, kind: 1, pages: 1, since });
const pack = { kind: 1, pages: 1 };

describe('states of a pack', () => {
  it('follow the diagram', () => {
    const row = (state: PackState): readonly (PackState | undefined)[] => [
      afterPut(entry(state), pack, DAY)?.state,
      afterCommit(entry(state))?.state,
      afterUnneeded(entry(state), DAY).state,
    ];
    expect(STATES.map(row)).toEqual([
      ['pending', 'live', 'condemned'],
      ['live', 'live', 'condemned'],
      ['condemned', 'live', 'condemned'],
      [undefined, undefined, 'purging'],
      ['live', undefined, 'lost'],
    ]);
    expect(afterPut(undefined, pack, 0)).toMatchObject({ state: 'pending', since: 7 * DAY });
    expect(afterCommit(undefined)).toBeUndefined();
  });

  it('let no lease be cut short and no purge come early', () => {
    expect(afterUnneeded(entry('pending', DAY), DAY - 1).state).toBe('pending');
    fc.assert(
      fc.property(fc.constantFrom(...STATES), fc.nat(), fc.nat(), fc.nat(), (state, since, now, delay) => {
        expect(mayPurge(entry(state, since), now, delay)).toBe(state === 'condemned' && since + delay <= now);
      }),
    );
  });
});
