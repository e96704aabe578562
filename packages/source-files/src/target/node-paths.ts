/** Turns checked path bytes into what node:fs takes, and refuses every part that is a link. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { TargetError } from '../errors.ts';
import { printablePath } from '../printable-path.ts';
import { portableName } from './portable-names.ts';
import { checkPath, nameStart, parentLength } from './target-path.ts';

/** Bytes where names are bytes, text where they are not. */
export type NodePath = Buffer | string;

const SLASH = 0x2f;

export class NodePaths {
  readonly #root: string;
  readonly #mapsNames: boolean;

  constructor(root: string, mapsNames: boolean = process.platform === 'win32') {
    this.#root = root;
    this.#mapsNames = mapsNames;
  }

  /** @throws TargetError 'link-in-path' when a part before the last is a link or no directory, 'unsafe-path'. */
  entry(path: Uint8Array): NodePath {
    checkPath(path);
    this.#refuseLinks(path, parentLength(nameStart(path)));
    return this.#join(path);
  }

  /** The directory itself; an empty path is the root. */
  directory(path: Uint8Array): NodePath {
    if (path.length === 0) return this.#root;
    checkPath(path);
    this.#refuseLinks(path, path.length);
    return this.#join(path);
  }

  /** Another name in the directory of `path`. */
  beside(path: Uint8Array, name: Uint8Array): NodePath {
    return this.entry(Buffer.concat([path.subarray(0, nameStart(path)), name]));
  }

  parentIsThere(path: Uint8Array): boolean {
    checkPath(path);
    try {
      this.#refuseLinks(path, parentLength(nameStart(path)));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      if (error instanceof TargetError) return false;
      throw error;
    }
  }

  /** The last name as it is on this system, when that is another one. */
  mappedName(path: Uint8Array): string | undefined {
    if (!this.#mapsNames || path.length === 0) return undefined;
    const name = path.subarray(nameStart(path));
    const mapped = portableName(name);
    return mapped === Buffer.from(name).toString('utf8') ? undefined : mapped;
  }

  #refuseLinks(path: Uint8Array, length: number): void {
    for (let end = 0; end < length; ) {
      const slash = path.indexOf(SLASH, end + 1);
      end = slash === -1 || slash > length ? length : slash;
      const part = path.subarray(0, end);
      if (lstatSync(this.#join(part)).isDirectory()) continue;
      throw new TargetError('link-in-path', `restore: not a directory of the target: '${printablePath(part)}'`);
    }
  }

  #join(path: Uint8Array): NodePath {
    if (!this.#mapsNames) return Buffer.concat([Buffer.from(`${this.#root}/`), path]);
    const names = Buffer.from(path).toString('latin1').split('/');
    return join(this.#root, ...names.map((name) => portableName(Buffer.from(name, 'latin1'))));
  }
}
