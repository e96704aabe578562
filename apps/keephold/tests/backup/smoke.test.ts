import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { truthOf } from './_snapshot-truth.ts';

it('smoke', async () => {
  const t = performance.now();
  using backups = await BackupRepository.create();
  console.log('create', performance.now() - t);
  const root = join(backups.folder, 'data');
  mkdirSync(root);
  writeFileSync(join(root, 'a'), 'hello');
  const report = await backups.backup({ roots: [root] });
  console.log(report, performance.now() - t);
  const truth = await truthOf(backups, { root });
  console.log(truth.problems, performance.now() - t);
  expect(truth.problems).toEqual([]);
  console.log((await backups.backup({ roots: [root] })).files, performance.now() - t);
});
