/**
 * Which file system a path lies on, as the kernel tells it (/proc/self/mountinfo, proc_pid_mountinfo(5)):
 *
 * ```
 * 36 35 98:0 /mnt1 /mnt/parent/mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 * id parent volume … mount point                        kind
 * ```
 *
 * Paths are strings of one code unit a byte, the root of the file system is empty.
 */
import { readFileSync } from 'node:fs';

export interface Mount {
  readonly id: number;
  readonly parent: number;
  readonly point: string;
  /** Kind of file system, for example btrfs. */
  readonly kind: string;
  /** The device, and which folder of it is seen here. */
  readonly volume: string;
}

/** Lines that cannot be understood are left out: what lies there counts as part of what is around it. */
export function parseMountinfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const [id, parent, device, root, point] = fields;
    // Optional fields end with a hyphen.
    const hyphen = fields.indexOf('-', 6);
    const kind = hyphen === -1 ? undefined : fields[hyphen + 1];
    if (!isNumber(id) || !isNumber(parent) || point?.startsWith('/') !== true || kind === undefined) return [];
    return [{ id: Number(id), parent: Number(parent), point: plainPath(point), kind, volume: `${device} ${root}` }];
  });
}

/** None where the system does not tell. */
export function readMounts(): readonly Mount[] {
  try {
    return parseMountinfo(readFileSync('/proc/self/mountinfo', 'latin1'));
  } catch {
    // Not Linux, or no /proc.
    return [];
  }
}

/** The mount that a path is seen through. Others may be hidden below or behind it. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let found = topmost(mounts, path);
  for (const prefix of prefixes(path)) {
    for (let next = found; next !== undefined; ) {
      found = next;
      next = mounts.find((mount) => mount.parent === found?.id && mount.id !== found.id && mount.point === prefix);
    }
  }
  return found;
}

/** Mounts that can be seen strictly below `path`. */
export function mountsBelow(mounts: readonly Mount[], path: string): readonly Mount[] {
  return mounts.filter((mount) => mount.point.startsWith(`${path}/`) && mountOf(mounts, mount.point) === mount);
}

/** Where seeing begins: the mount whose parent is not among them. A process in another root may have several. */
function topmost(mounts: readonly Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  const tops = mounts.filter(({ id, parent, point }) => (id === parent || !ids.has(parent)) && isWithin(path, point));
  return tops.reduce<Mount | undefined>(
    (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
    undefined,
  );
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** '', '/a', '/a/b' for '/a/b'. */
function prefixes(path: string): readonly string[] {
  const found: string[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1))
    found.push(path.slice(0, slash));
  found.push(path);
  return found;
}

function isNumber(field: string | undefined): boolean {
  return /^\d{1,10}$/.test(field ?? '');
}

/** Blanks, line ends and backslashes are written as three octal digits. */
function plainPath(written: string): string {
  const path = written.replaceAll(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return path === '/' ? '' : path;
}
