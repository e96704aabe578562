/**
 * What must be so after any crash: what was committed is there and whole, nothing half-written shows, and the next run
 * goes on by itself. Only the command is asked, as a user would; the files themselves tell which keys were used.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { clearFolder } from './disk-image.ts';
import type { SeededRandom } from './seeded-random.ts';
import { differences, type Fingerprint, fingerprint } from './source-tree.ts';
import type { World } from './world.ts';

/** What the world knows better than the command. */
export interface Truth {
  /** Snapshots that were committed before, by number: what is to come back. */
  readonly committed: ReadonlyMap<number, Fingerprint>;
  /** Of the files as they are now. */
  readonly current: Fingerprint;
}

export interface Aftermath {
  readonly world: World;
  readonly truth: Truth;
  /** What the command had printed when it was stopped. */
  readonly reported: string;
  /** Whether the machine was started anew since. */
  readonly isNewStart: boolean;
  readonly random: SeededRandom;
}

export interface Judgement {
  /** Bytes that the next backup stored. */
  readonly storedAgain: number;
}

export async function judgeRepository(aftermath: Aftermath): Promise<Judgement> {
  const { world, truth, reported, random } = aftermath;
  const seqs = await listSnapshots(world);
  for (const seq of [...truth.committed.keys(), ...reportedSnapshots(reported)])
    if (!seqs.includes(seq)) throw new Error(`snapshot #${seq} was committed and is not listed: ${seqs.join(' ')}`);
  await world.mustLook(['check', '--read-data']);
  const judgement = await backUpAgain(world);
  await expectRestored(world, 'latest', truth.current);
  const before = [...truth.committed];
  const chosen = before[random.below(before.length)];
  if (chosen !== undefined) await expectRestored(world, `#${chosen[0]}`, chosen[1]);
  if (random.below(4) === 0) await world.mustLook(['check', '--read-data']);
  return judgement;
}

/** The next backup goes on by itself, with keys of its own. */
export async function backUpAgain(world: World): Promise<Judgement> {
  const used = sessionsOf(world);
  const again = lastRecord(await world.must(['backup', '--json', world.source]));
  for (const session of sessionsOf(world, used.files))
    if (used.sessions.has(session)) throw new Error(`session ${session} was used twice`);
  expectNoOldKeys(world);
  return { storedAgain: Number(again['bytesStored']) };
}

export async function listSnapshots(world: World): Promise<readonly number[]> {
  const text = await world.mustLook(['snapshots', '--json']);
  return recordsOf(text)
    .filter(({ type }) => type === 'snapshot')
    .map(({ seq }) => Number(seq));
}

/** Numbers of snapshots that a backup said it made. */
export function reportedSnapshots(printed: string): readonly number[] {
  return recordsOf(printed).flatMap(({ type, snapshot }) =>
    type === 'summary' && snapshot !== null ? [Number((snapshot as { readonly seq: number }).seq)] : [],
  );
}

export async function expectRestored(world: World, snapshot: string, wanted: Fingerprint): Promise<void> {
  const target = world.beside('out');
  clearFolder(target);
  await world.mustLook(['restore', `${snapshot}:${world.source}`, '--target', target]);
  const wrong = differences(wanted, fingerprint(target));
  if (wrong.length > 0) throw new Error(`snapshot ${snapshot} came back otherwise:\n${wrong.join('\n')}`);
}

type JsonRecord = Readonly<Record<string, unknown>>;

export function recordsOf(text: string): readonly JsonRecord[] {
  // The last line may have been cut off, and not every command is asked for JSON.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as JsonRecord);
}

export function lastRecord(text: string): JsonRecord {
  const last = recordsOf(text).at(-1);
  if (last === undefined) throw new Error('nothing was printed');
  return last;
}

/** Sessions whose keys sealed the packs and snapshots that lie in the repository, `known` files left out. */
function sessionsOf(world: World, known: ReadonlySet<string> = new Set()): Used {
  const used = { files: new Set<string>(), sessions: new Set<string>() };
  for (const path of filesBelow(join(world.repository, 'vaults'))) {
    if (known.has(path) || !/\/(packs|objects)\//.test(path)) continue;
    used.files.add(path);
    const head = readFileSync(path).subarray(0, 40);
    const magic = head.subarray(0, 4).toString();
    if (magic === 'KHPK') used.sessions.add(head.subarray(24, 40).toString('hex'));
    else if (magic === 'KHSO' && head[5] === SNAPSHOT) used.sessions.add(head.subarray(8, 24).toString('hex'));
  }
  return Object.assign(used, { [Symbol.iterator]: () => used.sessions[Symbol.iterator]() });
}

interface Used extends Iterable<string> {
  readonly files: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
}

/** Type of a sealed object (format.md §5). */
const SNAPSHOT = 0x20;

/** A chain key opens all sessions that follow: none but the newest may lie on the disk (security.md §3.5). */
function expectNoOldKeys(world: World): void {
  const state = join(world.folder, 'home/.local/state/keephold');
  for (const path of filesBelow(state)) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name.startsWith('.new-')) throw new Error(`${path} was left behind`);
  }
  for (const folder of readdirSync(state)) {
    const versions = readdirSync(join(state, folder)).filter((name) => /^device\.\d+$/.test(name));
    const full = versions.filter((name) => statSync(join(state, folder, name)).size > 0);
    if (full.length > 1)
      throw new Error(`more than one version of the device's keys lies in ${folder}: ${full.join(' ')}`);
  }
}

export function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
