/** What is Keephold's own is left out with its name: a run that finds nothing new has nothing to store. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cheapCommandsIn } from '../server/_commands.ts';

type Fields = Readonly<Record<string, unknown>>;

// State, caches and the repository are in it, as in a home folder.
const home = mkdtempSync(join(tmpdir(), 'keephold-own-'));
const keephold = cheapCommandsIn(home);

beforeAll(async () => {
  mkdirSync(join(home, 'documents'));
  writeFileSync(join(home, 'documents', 'letter'), 'dear reader');
  await keephold.run('init', '--repo', join(home, 'disk/backup'));
  await keephold.run('plan', 'add', 'home', home, '--repo', join(home, 'disk/backup'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function backUp(): Promise<Fields> {
  const lines = (await keephold.run('backup', '--plan', 'home', '--json', '--verbose')).trim().split('\n');
  return JSON.parse(lines.at(-1) ?? '') as Fields;
}

test('a second run stores no pack, and no folder of its own is in the snapshot', async () => {
  await backUp();
  const { packsAdded, excluded } = await backUp();
  expect({ packsAdded, excluded }).toEqual({ packsAdded: 0, excluded: 3 });
  const listed = await keephold.run('ls', '--repo', join(home, 'disk/backup'), `latest:${home}`, '--recursive');
  expect(listed).toContain('documents/letter');
  expect(listed).toContain('disk');
  expect(listed).not.toMatch(/disk\/backup|state\/keephold|cache\/keephold/);
});
