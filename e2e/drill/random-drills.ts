/**
 * Drills of files of every format, some broken before they were backed up, some changed or gone since: each file's outcome
 * and the exit code are what the table of docs/drills.md says.
 */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Home, type Ran } from '../../apps/keephold/tests/damage/_home.ts';
import {
  flatJpeg,
  gif,
  gzip,
  jpeg,
  pdf,
  pdfWithStream,
  png,
  sqlite,
  text,
  webp,
  zip,
} from '../../packages/drill/src/opening/_files.ts';
import { filesBelow } from '../crash/judge.ts';
import { SeededRandom } from '../crash/seeded-random.ts';

/** Sound files, and how each is broken so that its bytes alone show it. */
const FORMATS: readonly (readonly [
  extension: string,
  sound: () => Uint8Array,
  broken: (bytes: Uint8Array) => Uint8Array,
])[] = [
  ['png', () => png({ width: 40, height: 30 }), (bytes) => flipped(bytes, bytes.length >> 1)],
  ['jpg', () => jpeg, (bytes) => bytes.subarray(0, -40)],
  ['jpg', () => flatJpeg({ width: 800, height: 800 }), (bytes) => overwritten(bytes, 1000)],
  ['gif', () => gif, (bytes) => bytes.subarray(0, 20)],
  ['webp', () => webp, (bytes) => bytes.subarray(0, 25)],
  ['gz', () => gzip, (bytes) => flipped(bytes, bytes.length - 6)],
  ['zip', () => zip([{ name: 'a', content: text }]), (bytes) => flipped(bytes, 60)],
  ['pdf', pdf, (bytes) => bytes.subarray(0, bytes.length - 60)],
  ['pdf', pdfWithStream, (bytes) => bytes.subarray(0, 90)],
  ['sqlite', () => sqlite().database, (bytes) => copiedWithin(bytes)],
  ['txt', () => text, (bytes) => bytes],
];

type Outcome = 'good' | 'already-broken' | 'unopenable' | 'differs';

interface Planted {
  readonly path: string;
  readonly outcome: Outcome;
}

export interface DrillRounds {
  readonly files: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** @throws Error that says which file was judged otherwise */
export async function drillOnce(seed: number): Promise<DrillRounds> {
  const random = new SeededRandom(seed);
  using home = new Home();
  mkdirSync(home.data);
  await must(home, ['init', '--trusted']);
  const planted = plant(home.data, random);
  // A file that is as old as its backup may have changed within one tick of the clock, and is not compared.
  for (const { path } of planted) utimesSync(path, 1_700_000_000, 1_700_000_000);
  await must(home, ['backup', home.data]);
  const expected = planted.map((one) => changeSince(one, random));
  const drill = await home.run(['drill', '--json', '--seed', String(random.below(1_000_000))]);
  const told = new Map(drill.records.filter(({ type }) => type === 'file').map((one) => [String(one['path']), one]));
  for (const { path, outcome } of expected) {
    const found = told.get(path);
    if (found?.['outcome'] !== outcome)
      throw new Error(`${path} is ${outcome}, and drilled as ${JSON.stringify(found)}`);
  }
  const code = codeOf(expected);
  if (drill.code !== code) throw new Error(`it ended with ${drill.code}, not ${code}: ${drill.stdout}${drill.stderr}`);
  await drillDamaged(home, random);
  const outcomes: Record<string, number> = {};
  for (const { outcome } of expected) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return { files: expected.length, outcomes };
}

function plant(folder: string, random: SeededRandom): readonly Planted[] {
  return Array.from({ length: 12 }, (_, i) => {
    const [extension, sound, broken] = FORMATS[random.below(FORMATS.length)]!;
    const isBroken = extension !== 'txt' && random.below(3) === 0;
    const path = join(folder, `${i}.${extension}`);
    writeFileSync(path, isBroken ? broken(sound()) : sound());
    return { path, outcome: isBroken ? 'already-broken' : 'good' };
  });
}

/** Some go or change: what does not open cannot be compared any more. */
function changeSince({ path, outcome }: Planted, random: SeededRandom): Planted {
  const draw = random.below(4);
  if (draw === 0) rmSync(path);
  if (draw === 1) writeFileSync(path, 'another file by now');
  return draw < 2 && outcome === 'already-broken' ? { path, outcome: 'unopenable' } : { path, outcome };
}

function codeOf(files: readonly Planted[]): number {
  return files.some(({ outcome }) => outcome === 'unopenable') ? 3 : 0;
}

/** With a pack gone, what it held is told as damaged. */
async function drillDamaged(home: Home, random: SeededRandom): Promise<void> {
  const packs = filesBelow(join(home.repository, 'vaults')).filter((path) => path.includes('/packs/'));
  rmSync(packs[random.below(packs.length)]!);
  const drill = await home.run(['drill', '--json']);
  if (drill.code !== 13) throw new Error(`without a pack it ended with ${drill.code}: ${drill.stdout}${drill.stderr}`);
}

async function must(home: Home, args: readonly string[]): Promise<Ran> {
  const ran = await home.run([...args, '--json']);
  if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
  return ran;
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes).with(at, bytes[at]! ^ 0x55);
}

/** Image data behind headers that are sound. */
function overwritten(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, i) => (i >= at && i < at + 60 ? (i * 197) & 0x7f : byte));
}

/** A page in its middle is still that of an hour ago. */
function copiedWithin(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).copyWithin(8192, 4096, 8192);
}
