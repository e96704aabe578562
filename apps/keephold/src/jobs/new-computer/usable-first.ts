/**
 * What of a home folder comes back first on a new computer: settings, keys, desktop and documents, with which one can
 * work while the rest follows. Homes are where systems keep them, and whatever was named to be backed up.
 */

/** With all that is in them, directly in a home folder. */
const FIRST = [
  ...['.config', '.ssh', '.gnupg', '.password-store', '.pki', '.thunderbird', '.mozilla', '.local/share/keyrings'],
  ...['Library/Preferences', 'Library/Keychains', 'Library/Mail', 'AppData/Roaming'],
  ...['Desktop', 'Schreibtisch', 'Bureau', 'Escritorio', 'Scrivania', 'Área de trabalho', 'Bureaublad'],
  ...['Documents', 'Dokumente', 'Documentos', 'Documenti', 'Documenten'],
].map(latin1);

const HOMES: readonly RegExp[] = [/^home\/[^/]+$/, /^root$/, /^Users\/[^/]+$/, /^[A-Za-z]:?\/Users\/[^/]+$/];

export type Turn = 'first' | 'on-the-way' | 'rest';

export interface UsableFirst {
  /** When an entry has its turn; `on-the-way`: itself with the rest, but it may hold what comes first. */
  turnOf(path: Uint8Array, isDirectory: boolean): Turn;
}

/** `roots`: folders that were backed up. All paths are those of a snapshot. */
export function usableFirst(roots: readonly Uint8Array[]): UsableFirst {
  const named = new Set(roots.map((root) => bytesOf(root)));
  return {
    turnOf: (path, isDirectory) => {
      const text = bytesOf(path);
      const home = homeOf(text, named);
      if (home === undefined) return isDirectory ? 'on-the-way' : 'rest';
      const inHome = text.slice(home.length).replace(/^\//, '');
      if (inHome === '') return 'on-the-way';
      // Settings of the shell and of programs that keep theirs in one file.
      if (!isDirectory && inHome.startsWith('.') && !inHome.includes('/')) return 'first';
      if (FIRST.some((name) => inHome === name || inHome.startsWith(`${name}/`))) return 'first';
      return isDirectory && mayHoldFirst(text, inHome, named) ? 'on-the-way' : 'rest';
    },
  };
}

function mayHoldFirst(text: string, inHome: string, named: ReadonlySet<string>): boolean {
  if (FIRST.some((name) => name.startsWith(`${inHome}/`))) return true;
  // Below a whole disk are homes.
  return text.split('/').length <= 2 || [...named].some((root) => root.startsWith(`${text}/`));
}

/** The home that the path is, or is in: where systems keep them before what was named, the outermost of those. */
function homeOf(text: string, named: ReadonlySet<string>): string | undefined {
  const above = prefixesOf(text);
  return above.find((path) => HOMES.some((home) => home.test(path))) ?? above.find((path) => named.has(path));
}

/** The root, every folder above, and itself. */
function prefixesOf(text: string): readonly string[] {
  const names = text === '' ? [] : text.split('/');
  return ['', ...names.map((_, at) => names.slice(0, at + 1).join('/'))];
}

function bytesOf(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.length).toString('latin1');
}

function latin1(name: string): string {
  return Buffer.from(name).toString('latin1');
}
