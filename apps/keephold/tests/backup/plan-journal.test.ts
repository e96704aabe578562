/** A plan that is run again and again by whoever keeps its journal: each run is told what changed since the one before. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchCalls } from '@keephold/ffi';
import { afterAll, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../src/environment.ts';
import { PlanJournal } from '../../src/jobs/plan-journal.ts';
import { commandsIn } from '../server/_commands.ts';

const isPossible = watchCalls() !== undefined;
if (!isPossible) console.warn('skipped: needs inotify');

const place = mkdtempSync(join(tmpdir(), 'keephold-plan-journal-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const home = join(place, 'home');
const repository = join(place, 'repository');
const file = join(place, 'changed.json');
const keephold = commandsIn(home, undefined, {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, '../_cheap-argon2-process.ts')}`,
});
const environment = readEnvironment({
  XDG_STATE_HOME: join(home, 'state'),
  XDG_CACHE_HOME: join(home, 'cache'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_CONFIG_HOME: join(home, 'config'),
});

interface Summary {
  readonly type: string;
  readonly snapshot: { readonly id: string };
  readonly walk: unknown;
  readonly filesNew: number;
}

async function runPlan(journal: PlanJournal): Promise<Summary> {
  writeFileSync(file, await journal.before());
  const lines = (await keephold.run('backup', '--plan', 'home', '--json', '--changed-folders', file))
    .trim()
    .split('\n');
  const end = lines.map((line) => JSON.parse(line) as Summary).find(({ type }) => type === 'summary')!;
  journal.after(Buffer.from(end.snapshot.id, 'hex'));
  return end;
}

describe.skipIf(!isPossible)('the journal of a plan', () => {
  it('tells each run what changed since the one before', { timeout: 60_000 }, async () => {
    const data = join(place, 'data');
    for (const folder of ['documents', 'other', 'node_modules']) mkdirSync(join(data, folder), { recursive: true });
    writeFileSync(join(data, 'other', 'file'), 'content');
    await keephold.run('init', '--repo', repository);
    await keephold.run('plan', 'add', 'home', '--repo', repository, '--exclude', 'node_modules', data);
    const globals = { repo: undefined } as ConstructorParameters<typeof PlanJournal>[0]['globals'];
    await using journal = new PlanJournal({ globals, environment }, 'home');

    expect(await runPlan(journal)).toMatchObject({ walk: { kind: 'all' }, filesNew: 1 });
    writeFileSync(join(data, 'documents', 'letter'), 'content');
    // What the plan leaves out is not watched.
    writeFileSync(join(data, 'node_modules', 'file'), 'content');
    expect(await runPlan(journal)).toMatchObject({ walk: { kind: 'changed' }, filesNew: 1 });
    // That run may have found changes too young to be sure of.
    await runPlan(journal);
    expect(await runPlan(journal)).toMatchObject({ walk: { kind: 'changed', listed: 0 }, filesNew: 0 });
    expect(journal.problem).toBeUndefined();

    // What an edited plan takes in was not watched before.
    await keephold.run('plan', 'edit', 'home', '--exclude', '*.iso');
    expect(await runPlan(journal)).toMatchObject({ walk: { kind: 'all' }, filesNew: 1 });
    writeFileSync(join(data, 'node_modules', 'second'), 'content');
    expect(await runPlan(journal)).toMatchObject({ walk: { kind: 'changed' }, filesNew: 1 });
    const listed = await keephold.run('ls', '--repo', repository, '-r', 'latest');
    expect(listed).toContain(join(data, 'documents', 'letter'));
    expect(listed).toContain(join(data, 'other', 'file'));
  });
});
