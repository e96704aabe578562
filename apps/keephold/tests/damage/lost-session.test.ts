/**
 * Commits that name the session objects of a chain rot in the middle of the history. Readers believe no session object
 * that nothing signed names: what the chain's sessions stored has to open all the same.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ageChain } from './_age-chain.ts';
import { DamagedHome } from './_damaged-home.ts';
import type { Home, Ran } from './_home.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let damaged: DamagedHome;
let home: Home;
/** Each backup in a chain of its own, as of devices that are on once a month. */
beforeAll(async () => {
  damaged = await DamagedHome.create({ beforeBackup: ageChain });
  ({ home } = damaged);
});
afterAll(() => damaged[Symbol.dispose]());
beforeEach(async () => await damaged.reset('same'));

function lose(...seqs: readonly number[]): void {
  for (const seq of seqs) {
    const name = new RegExp(`/chain/0*${seq}$`);
    damaged.damage(damaged.files.find(({ path }) => name.test(path))!.path, () => undefined);
  }
  for (const name of readdirSync(home.repository)) if (name.startsWith('ledger.')) rmSync(join(home.repository, name));
}

async function restored(): Promise<Pick<Ran, 'code'> & Pick<ReturnType<DamagedHome['compare']>, 'wrong' | 'missing'>> {
  const out = join(home.folder, 'out');
  rmSync(out, { recursive: true, force: true });
  const ran = await home.run(['restore', `latest:${home.data}`, '--target', out, '--json']);
  const { wrong, missing } = damaged.compare(out, ran);
  return { code: ran.code, wrong, missing };
}

const ALL = { code: 0, wrong: [], missing: [] };

it('every backup began a chain', () => {
  expect(damaged.files.filter(({ kind }) => kind === 'session')).toHaveLength(6);
});

it.each([1, 2])(
  'one lost commit takes no chain with it: without commit %i a new machine reads all that was stored',
  async (seq) => {
    await damaged.reset('blank');
    lose(seq);
    expect(await restored()).toEqual(ALL);
    expect((await home.run(['repair', '--quiet'], { secret: '' })).code).toBe(0);
    expect(await restored()).toEqual(ALL);
  },
);

describe('when all commits that named a chain are lost', () => {
  // Commit 1 named the first chain, commit 2 the first and the second.
  beforeEach(() => lose(1, 2));

  it('its device reads with the copies it has kept, and names them again for all others', async () => {
    expect(await restored()).toEqual(ALL);
    const found = await home.run(['check', '--json']);
    expect(found.code).toBe(13);
    expect(found.stdout.match(/is named by no commit that can be read/g)).toHaveLength(2);
    const healed = await home.run(['heal', '--json']);
    expect(healed.records.at(-1)).toMatchObject({ type: 'summary', named: 2, lostPacks: 0 });
    expect((await home.run(['heal', '--json'])).records.at(-1)).toMatchObject({ named: 0 });
    expect((await home.run(['check', '--json'])).stdout).not.toContain('is named by no commit');
    home.forgetEverything();
    expect(await restored()).toEqual(ALL);
  });

  it('no other machine believes session objects that lie there and nothing signed names', async () => {
    home.forgetEverything();
    const { code, wrong, missing } = await restored();
    expect([code, wrong]).toEqual([3, []]);
    expect(missing).toContain('big');
    expect((await home.run(['check', '--json'])).stdout).toContain('no session object has chain');
  });
});
