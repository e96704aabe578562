/** A home whose commands are shown a keeper that lies, and what must be so whatever it says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lie, lyingCustody } from '@keephold/testkit';
import { expect } from 'vitest';
import type { DamagedHome } from '../damage/_damaged-home.ts';
import type { Home, Ran, RunOptions } from '../damage/_home.ts';

export interface Refusal {
  /** As in --json; left out where a report and no error is printed. */
  readonly code?: string;
  readonly exitCode: number;
  readonly says?: RegExp;
}

/** Every one of these must refuse in the same way. */
export async function expectRefused(
  home: Home,
  lies: readonly Lie[],
  { verbs, refusal }: { readonly verbs: readonly (readonly string[])[]; readonly refusal: Refusal },
): Promise<void> {
  for (const verb of verbs) {
    const ran = await runLiedTo(home, verb, lies);
    const what = `${verb.join(' ')}: ${ran.stdout}${ran.stderr}`;
    expect(ran.code, what).toBe(refusal.exitCode);
    expect(ran.stderr, what).not.toMatch(/RangeError|TypeError|at .*\.ts:\d/);
    if (refusal.code !== undefined) expect(ran.stdout, what).toContain(`"code":"${refusal.code}"`);
    if (refusal.says !== undefined) expect(`${ran.stdout}${ran.stderr}`, what).toMatch(refusal.says);
  }
}

export async function runLiedTo(
  home: Home,
  verb: readonly string[],
  lies: readonly Lie[],
  options: RunOptions = {},
): Promise<Ran> {
  return await home.run([...verb, '--json'], { ...options, disguise: (truth) => lyingCustody(truth, lies) });
}

/** Reads all, with and without the index: nothing wrong comes back, and what is lacking is named and found. */
export async function expectNothingWrong(told: DamagedHome, lies: readonly Lie[], found: RegExp): Promise<void> {
  const out = join(told.home.folder, 'out');
  const latest = `latest:${told.home.data}`;
  const restore = await runLiedTo(told.home, ['restore', latest, '--target', out], lies);
  const { wrong, unnamed } = told.compare(out, restore);
  expect(wrong).toEqual([]);
  expect([0, 3, 13], restore.stdout).toContain(restore.code);
  if (restore.code !== 13) expect(unnamed).toEqual([]);
  const check = await runLiedTo(told.home, ['check', '--read-data'], lies);
  expect(check.code, check.stdout).toBe(13);
  expect(check.stdout).toMatch(found);
  for (const { stdout, stderr } of [restore, check]) expect(`${stdout}${stderr}`).not.toMatch(/RangeError|TypeError/);
}

/** What is kept of rollbacks and forks, by file name. */
export function evidenceOf(home: Home): ReadonlyMap<string, { readonly code: string; readonly record: string | null }> {
  const state = join(home.folder, 'state');
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('evidence/'));
  return new Map(files.map((name) => [name, JSON.parse(readFileSync(join(state, name), 'utf8'))]));
}

export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const place = at < 0 ? bytes.length + at : at;
  return bytes.with(place, bytes[place]! ^ 0x10);
}

/** The bytes that another file of a kind has in the repository. */
export function bytesOf(told: DamagedHome, kind: DamagedHome['files'][number]['kind'], index = 0): Uint8Array {
  const file = told.files.filter((one) => one.kind === kind).at(index);
  if (file === undefined) throw new Error(`there is no ${kind}`);
  return new Uint8Array(told.original(file.path));
}
