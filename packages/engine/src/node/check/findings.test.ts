import { expect, it } from 'vitest';
import { DamagedError, MissingDataError } from '../../errors.ts';
import { Findings } from './findings.ts';
import { placeJudge } from './judges.ts';
import { PackCatalog } from './pack-catalog.ts';

const id = (number: number): Uint8Array => new Uint8Array(32).fill(number >> 8).fill(number & 255, 16);
const hex = (number: number): string => Buffer.from(id(number)).toString('hex');

it('tells blobs that lack for the same reason as one problem, with the files that need them', () => {
  const findings = new Findings();
  const judge = placeJudge({ catalog: new PackCatalog(), findings, counts: () => true });
  for (let round = 0; round < 2; round++)
    for (let blob = 0; blob < 1000; blob++) judge.blob(id(blob), undefined, () => `#1:/file-${blob >> 5}`);
  const [problem, ...others] = findings.problems();
  expect(others).toEqual([]);
  expect(problem).toMatchObject({
    kind: 'missing-blob',
    what: 'what files need is in no pack that an index lists (1000 blobs)',
  });
  expect(problem?.affects.slice(0, 2)).toEqual(['#1:/file-0', '#1:/file-1']);
  expect(problem?.affects.length).toBe(32);
  expect(problem?.blobs.length).toBe(1000);
});

it('tells folders that a pack was needed for by the pack, and others by themselves', () => {
  const findings = new Findings();
  const judge = placeJudge({ catalog: new PackCatalog(), findings, counts: () => true });
  for (const [number, pack] of [
    [1, 'aa'],
    [2, 'aa'],
    [3, 'bb'],
  ] as const) {
    const cause = new MissingDataError(`pack ${pack} is not there`);
    const error = new MissingDataError(`read blob ${hex(number)}: ${cause.message}`, { cause, blob: id(number) });
    judge.unreadable(error, () => `#1:/folder-${number}`);
  }
  judge.unreadable(new DamagedError('read tree: names are not in order'), () => '#1:/odd');
  expect(findings.problems().map(({ what, affects }) => [what, affects])).toEqual([
    ['folders cannot be read: pack aa is not there (2 blobs)', ['#1:/folder-1', '#1:/folder-2']],
    ['folders cannot be read: pack bb is not there (1 blob)', ['#1:/folder-3']],
    ['read tree: names are not in order', ['#1:/odd']],
  ]);
});

it('says how many problems are not told', () => {
  const findings = new Findings();
  for (let pack = 0; pack < 10_003; pack++) findings.add('missing-pack', `pack ${pack} is not there`);
  expect(findings.count).toBe(10_003);
  expect(findings.problems().at(-1)).toMatchObject({ kind: 'record', what: '3 more problems', affects: [] });
});

it('names all blobs and paths of a lost pack, and bounds what it keeps of many lost packs', () => {
  const findings = new Findings();
  for (let pack = 0; pack < 200; pack++)
    for (let blob = 0; blob < 1000; blob++)
      findings.addBlob('damaged-tree', `pack ${pack} is not there`, { id: `${blob}`, affected: `#1:/${pack}/${blob}` });
  const problems = findings.problems();
  expect([problems.length, problems[0]?.affects.length, problems[0]?.blobs.length]).toEqual([200, 1000, 1000]);
  expect(problems.at(-1)?.affects.slice(19)).toEqual(['#1:/199/19', 'and 980 more']);
});
