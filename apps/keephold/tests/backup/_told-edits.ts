/** Edits of a folder from data, and what somebody who watches folders would tell of each: not more than the system tells. */
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { cString, libc } from '@keephold/ffi';
import fc from 'fast-check';

export interface Edit {
  readonly kind:
    | 'write'
    | 'remove'
    | 'make-folder'
    | 'rename'
    | 'link'
    | 'symlink'
    | 'mode'
    | 'times'
    | 'xattr'
    | 'cache-tag'
    | 'nobackup';
  readonly at: string;
  readonly to: string;
  readonly size: number;
}

const name = fc.constantFrom('a', 'b', 'z');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));

export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Edit['kind'][]>(
      'write',
      'write',
      'write',
      'remove',
      'make-folder',
      'make-folder',
      'rename',
      'rename',
      'link',
      'link',
      'symlink',
      'mode',
      'times',
      'xattr',
      'cache-tag',
      'nobackup',
    ),
    at: path,
    to: path,
    size: fc.nat(3000),
  }),
  { maxLength: 12 },
);

export interface Told {
  readonly folders: Set<string>;
  readonly trees: Set<string>;
}

/** Edits that cannot be made (nothing is there, something is in the way) are passed over. */
export function edit(root: string, todo: readonly Edit[], told: Told): void {
  for (const one of todo) {
    try {
      apply(one, { at: join(root, one.at), to: join(root, one.to) }, told);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
}

function apply({ kind, size }: Edit, { at, to }: { readonly at: string; readonly to: string }, told: Told): void {
  const tell = (changed: string): unknown => told.folders.add(dirname(changed));
  switch (kind) {
    case 'write':
      writeFileSync(at, Buffer.alloc(size, String(size)));
      tell(at);
      break;
    case 'remove':
      lstatSync(at);
      rmSync(at, { recursive: true });
      tell(at);
      break;
    case 'make-folder':
      mkdirSync(at);
      tell(at);
      told.trees.add(at);
      break;
    case 'rename':
      if (at !== to) renameSync(at, to);
      tell(at);
      tell(to);
      if (lstatSync(to).isDirectory()) told.trees.add(to);
      break;
    case 'link':
      linkSync(at, to);
      // Nothing is told of the folder of the name it had.
      tell(to);
      break;
    case 'symlink':
      symlinkSync(to, at);
      tell(at);
      break;
    case 'mode':
      chmodSync(at, 0o700 | (size % 0o100));
      tell(at);
      break;
    case 'times':
      utimesSync(at, size, size);
      tell(at);
      break;
    case 'xattr':
      libc()!.lsetxattr(cString(Buffer.from(at)), cString(Buffer.from('user.edit')), Buffer.from(String(size)));
      if (lstatSync(at)) tell(at);
      break;
    case 'cache-tag':
      writeFileSync(join(at, 'CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55');
      tell(join(at, 'CACHEDIR.TAG'));
      break;
    case 'nobackup':
      if (readdirSync(at).includes('.nobackup')) rmSync(join(at, '.nobackup'));
      else writeFileSync(join(at, '.nobackup'), '');
      tell(join(at, '.nobackup'));
      break;
  }
}
