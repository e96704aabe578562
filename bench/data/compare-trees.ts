/** Whether a restored tree is what was backed up: type, content, mode, modification time of every entry. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Relative path → what has to be equal. */
export type Fingerprint = ReadonlyMap<string, string>;

export function fingerprint(root: string): Fingerprint {
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return new Map(entries.sort().map((path) => [path, fingerprintOf(join(root, path))]));
}

function fingerprintOf(path: string): string {
  const entry = lstatSync(path, { bigint: true });
  const attributes = `${entry.mode.toString(8)} ${entry.mtimeNs}`;
  if (entry.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  if (!entry.isFile()) return attributes;
  return `${attributes} ${entry.size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

/** One line per difference, at most `limit`; none when they are equal. */
export function differences(wanted: Fingerprint, found: Fingerprint, limit = 5): string[] {
  const lines: string[] = [];
  for (const [path, value] of wanted) {
    const other = found.get(path);
    if (other === undefined) lines.push(`missing: ${path}`);
    else if (other !== value) lines.push(`differs: ${path}: ${value} became ${other}`);
  }
  for (const path of found.keys()) if (!wanted.has(path)) lines.push(`not in the source: ${path}`);
  return lines.length <= limit ? lines : [...lines.slice(0, limit), `and ${lines.length - limit} more`];
}
