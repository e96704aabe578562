/** Checks that names of one file on one side are names of one file on the other, and no more. */
import { printablePath } from '../printable-path.ts';

export class HardLinkGroups {
  readonly #toB = new Map<string, { readonly identity: string; readonly path: string }>();
  readonly #toA = new Map<string, { readonly identity: string; readonly path: string }>();

  /** Identities are '' for files with one name. Answers what is wrong. `path` is latin1. */
  compare(a: string, b: string, path: string): string | undefined {
    if (a === '' && b === '') return undefined;
    // A file with one name is a group of its own.
    const left = a === '' ? `single:${path}` : a;
    const right = b === '' ? `single:${path}` : b;
    const known = this.#toB.get(left);
    if (known !== undefined && known.identity !== right) return `is no longer one file with '${printable(known.path)}'`;
    const other = this.#toA.get(right);
    if (other !== undefined && other.identity !== left) return `has become one file with '${printable(other.path)}'`;
    this.#toB.set(left, { identity: right, path });
    this.#toA.set(right, { identity: left, path });
    return undefined;
  }
}

function printable(path: string): string {
  return printablePath(Buffer.from(path, 'latin1'));
}
