/** Compares what is known of two entries of the same type beside their content. */
import type { XattrReading } from '../xattrs.ts';
import type { DifferenceKind } from './tree-difference.ts';
import type { EntryStat } from './tree-directory.ts';

interface Finding {
  readonly kind: DifferenceKind;
  readonly detail: string;
}

const TYPE_MASK = 0o170000;
const DIRECTORY = 0o040000;
const FILE = 0o100000;
const SYMLINK = 0o120000;
// Differences of allocation below this come from block sizes and delayed allocation, not from lost holes.
const HOLE_SLACK_BYTES = 1 << 20;

export function sameType(a: EntryStat, b: EntryStat): boolean {
  return (a.mode & TYPE_MASK) === (b.mode & TYPE_MASK);
}

export function isDirectory(stat: EntryStat): boolean {
  return (stat.mode & TYPE_MASK) === DIRECTORY;
}

export function isFile(stat: EntryStat): boolean {
  return (stat.mode & TYPE_MASK) === FILE;
}

export function isSymlink(stat: EntryStat): boolean {
  return (stat.mode & TYPE_MASK) === SYMLINK;
}

export function compareMetadata(
  a: EntryStat,
  b: EntryStat,
  xattrs: { readonly a: XattrReading | undefined; readonly b: XattrReading | undefined },
): readonly Finding[] {
  const findings: Finding[] = [];
  if (!isSymlink(a) && a.mode !== b.mode) findings.push({ kind: 'mode', detail: both(octal(a.mode), octal(b.mode)) });
  if (a.uid !== b.uid || a.gid !== b.gid) {
    findings.push({ kind: 'owner', detail: both(`${a.uid}:${a.gid}`, `${b.uid}:${b.gid}`) });
  }
  if (a.mtime !== b.mtime) findings.push({ kind: 'mtime', detail: both(`${a.mtime}`, `${b.mtime} ns`) });
  if (a.device !== b.device) findings.push({ kind: 'device', detail: both(a.device, b.device) });
  if (isFile(a) && hasLostHoles(a, b)) {
    findings.push({ kind: 'holes', detail: `${both(`${a.blocks * 512}`, `${b.blocks * 512}`)} bytes on the disk` });
  }
  if (xattrs.a !== undefined && xattrs.b !== undefined) findings.push(...compareXattrs(xattrs.a, xattrs.b));
  return findings;
}

function hasLostHoles(a: EntryStat, b: EntryStat): boolean {
  return a.size === b.size && a.blocks * 512 < a.size && b.blocks * 512 > a.blocks * 512 + HOLE_SLACK_BYTES;
}

function* compareXattrs(a: XattrReading, b: XattrReading): Generator<Finding> {
  for (const detail of [...a.problems, ...b.problems]) yield { kind: 'xattr', detail };
  if (a.xattrs.length === 0 && b.xattrs.length === 0) return;
  const values = new Map(b.xattrs.map(({ name, value }) => [Buffer.from(name).toString('latin1'), value]));
  for (const { name, value } of a.xattrs) {
    const key = Buffer.from(name).toString('latin1');
    const other = values.get(key);
    values.delete(key);
    if (other === undefined) yield { kind: 'xattr', detail: `${key} is missing` };
    else if (Buffer.compare(value, other) !== 0) yield { kind: 'xattr', detail: `${key} has another value` };
  }
  for (const key of values.keys()) yield { kind: 'xattr', detail: `${key} is extra` };
}

function both(a: string, b: string): string {
  return `${a} and ${b}`;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
