/** Where results go: quick ones beside the data, where nobody takes them for results. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ResultName {
  /** ISO. */
  readonly date: string;
  /** What was measured, unless it is the comparison. */
  readonly what?: string;
  readonly quick: boolean;
}

/** Writes one file per ending and says where. */
export function writeResultFiles(
  { date, what, quick }: ResultName,
  contents: Readonly<Record<string, string>>,
): string {
  const folder = join(import.meta.dirname, '..', quick ? 'work' : 'results');
  mkdirSync(folder, { recursive: true });
  const name = baseName({ date, quick, ...(what === undefined ? {} : { what }) });
  for (const [ending, content] of Object.entries(contents)) writeFileSync(join(folder, `${name}.${ending}`), content);
  return `${join(folder, name)}.{${Object.keys(contents).join(',')}}`;
}

export function baseName({ date, what, quick }: ResultName): string {
  return [date.slice(0, 10), what, quick ? 'quick' : undefined].filter((part) => part !== undefined).join('-');
}
