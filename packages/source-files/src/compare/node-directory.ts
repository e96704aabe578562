/** TreeDirectory over node:fs, where there are no directory handles. Extended attributes cannot be compared there. */
import { constants, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { compareNames, type EntryStat, type TreeDirectory } from './tree-directory.ts';

export function openNodeDirectory(path: string): TreeDirectory {
  return new NodeDirectory(Buffer.from(path));
}

class NodeDirectory implements TreeDirectory {
  readonly #path: Buffer;

  constructor(path: Buffer) {
    this.#path = path;
  }

  names(): readonly string[] {
    const names = readdirSync(this.#path, { encoding: 'buffer' });
    return names.map((name) => name.toString('latin1')).sort(compareNames);
  }

  stat(name: string): EntryStat {
    return entryStat(this.#at(name));
  }

  statSelf(): EntryStat {
    return entryStat(Buffer.concat([this.#path, Buffer.from('/.')]));
  }

  linkTarget(name: string): Uint8Array {
    return readlinkSync(this.#at(name), { encoding: 'buffer' });
  }

  openFile(name: string): number {
    return openSync(this.#at(name), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  }

  xattrs(): undefined {
    return undefined;
  }

  enter(name: string): TreeDirectory {
    return new NodeDirectory(this.#at(name));
  }

  close(): void {}

  #at(name: string): Buffer {
    // On Windows names are text: Node turns UTF-8 bytes of a path back into it.
    return Buffer.concat([this.#path, Buffer.from('/'), Buffer.from(name, 'latin1')]);
  }
}

function entryStat(path: Buffer): EntryStat {
  const stat = lstatSync(path, { bigint: true });
  const isDevice = stat.isCharacterDevice() || stat.isBlockDevice();
  return {
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    mtime: stat.mtimeNs,
    ctime: stat.ctimeNs,
    identity: stat.nlink > 1n ? `${stat.ino}:${stat.dev}` : '',
    linkCount: Number(stat.nlink),
    blocks: Number(stat.blocks),
    device: isDevice ? String(stat.rdev) : '',
  };
}
