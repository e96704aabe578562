/**
 * How files are cut (format.md §3). Databases and disk images change page by page, and small pieces cost least then:
 * fixed ones for a database; for an image, which holds the same files again at other places, what its sectors say.
 * Recognised by their first bytes, or for images without any header by their name; a wrong guess only costs space,
 * since readers never see how a file was cut.
 */

export type Cutting =
  | { readonly kind: 'content' }
  /** Pieces of exactly this length. */
  | { readonly kind: 'pages'; readonly pieceBytes: number }
  /** Pieces of whole sectors, between half and twice this length (a power of two). */
  | { readonly kind: 'sectors'; readonly pieceBytes: number };

export const byContent: Cutting = { kind: 'content' };

const KIB = 1024;
const GIB: number = 1024 * 1024 * 1024;
/** Bytes from the start of a file that cuttingOf wants to see. */
export const SIGNATURE_BYTES = 1082;
/** Shorter files gain nothing from small pieces. */
export const SHORTEST_IMAGE_BYTES: number = 4 * KIB * KIB;
const IMAGE_NAMES: ReadonlySet<string> = new Set([
  'img',
  'raw',
  'dd',
  'qcow2',
  'vmdk',
  'vdi',
  'vhd',
  'vhdx',
  'hdd',
  'sparseimage',
]);
const SECTOR_BYTES = 512;

/** `head` are the first SIGNATURE_BYTES, `path` may end with NUL. */
export function cuttingOf(head: Uint8Array, size: number, path: Uint8Array): Cutting {
  if (isSqlite(head)) return { kind: 'pages', pieceBytes: pieceBytes(size) };
  if (isDiskImage(head) || isNamedImage(path, size)) return { kind: 'sectors', pieceBytes: pieceBytes(size) };
  return byContent;
}

function pieceBytes(size: number): number {
  if (size <= GIB) return 16 * KIB;
  if (size <= 4 * GIB) return 64 * KIB;
  return size <= 64 * GIB ? 256 * KIB : KIB * KIB;
}

/** Whether a file that begins like this is a SQLite database; an encrypted one is not. */
export function isSqlite(head: Uint8Array): boolean {
  return startsWith(head, 0, 'SQLite format 3\0');
}

/** What the name of the file has at its end that holds changes of a database: its write version tells (offset 18). */
export function logEndingOf(head: Uint8Array): '-wal' | '-journal' {
  return head[18] === 2 ? '-wal' : '-journal';
}

function isDiskImage(head: Uint8Array): boolean {
  return isPartitioned(head) || isFileSystem(head) || isQcow(head) || isVirtualDisk(head);
}

function isNamedImage(path: Uint8Array, size: number): boolean {
  if (size < SHORTEST_IMAGE_BYTES || size % SECTOR_BYTES !== 0) return false;
  let ending = '';
  for (let at = path.length - 1; at >= 0 && ending.length <= 12; at--) {
    const byte = path[at]!;
    if (byte === 0x2e) return IMAGE_NAMES.has(ending.toLowerCase());
    if (byte !== 0) ending = String.fromCharCode(byte) + ending;
  }
  return false;
}

/** A file system or encrypted volume without a partition table. */
function isFileSystem(head: Uint8Array): boolean {
  const ext = head[1080] === 0x53 && head[1081] === 0xef;
  return ext || startsWith(head, 3, 'NTFS    ') || startsWith(head, 0, 'LUKS\xba\xbe');
}

/** A raw disk: the boot signature, and partition entries whose status bytes can be (GPT has a protective one). */
function isPartitioned(head: Uint8Array): boolean {
  if (head.length < 512 || head[510] !== 0x55 || head[511] !== 0xaa) return false;
  const entries = [446, 462, 478, 494];
  const plausible = entries.every((at) => head[at] === 0 || head[at] === 0x80);
  return plausible && entries.some((at) => head[at + 4] !== 0);
}

function isQcow(head: Uint8Array): boolean {
  return startsWith(head, 0, 'QFI\xfb');
}

function isVirtualDisk(head: Uint8Array): boolean {
  const vdi = head[64] === 0x7f && head[65] === 0x10 && head[66] === 0xda && head[67] === 0xbe;
  return startsWith(head, 0, 'KDMV') || startsWith(head, 0, 'vhdxfile') || startsWith(head, 0, 'conectix') || vdi;
}

function startsWith(head: Uint8Array, at: number, text: string): boolean {
  if (head.length < at + text.length) return false;
  for (let i = 0; i < text.length; i++) if (head[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
