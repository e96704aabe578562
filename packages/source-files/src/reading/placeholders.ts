/**
 * Recognises files of cloud storage whose content is not on this machine: opening them would fetch it, or store the few
 * bytes that stand for it as if they were the file. Looked for only where stat already makes it likely, so that other
 * files cost no call.
 */
import type { FileXattr, XattrReader } from '../xattrs.ts';

export interface FileExtent {
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
}

/** FILE_ATTRIBUTE_OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS (winnt.h). */
const RECALL_ATTRIBUTES = 0x1000 | 0x4_0000 | 0x40_0000;

/** Attributes in which Linux shows the attributes of Windows: of NTFS-3G, of ntfs3, of CIFS. */
const WINDOWS_ATTRIBUTES: ReadonlySet<string> = new Set([
  'system.ntfs_attrib',
  'system.dos_attrib',
  'user.cifs.dosattrib',
]);

/** Sync clients that keep names of files as files of one byte, and what marks them. */
const NAME_ENDINGS: readonly (readonly [ending: Uint8Array, client: string])[] = [
  [Buffer.from('.nextcloud'), 'Nextcloud'],
  [Buffer.from('.owncloud'), 'ownCloud'],
];
const NEXTCLOUD_ATTRIBUTE = 'user.nextcloud.hydrate_exec';

/** Where its content lives; undefined for a file that is here. */
export function placeholderOf(
  path: Uint8Array,
  { size, blocks }: FileExtent,
  xattrs: XattrReader | undefined,
): string | undefined {
  if (size === 0 || (size > 1 && blocks > 0)) return undefined;
  if (size === 1) {
    const named = NAME_ENDINGS.find(([ending]) => endsWith(path, ending));
    if (named !== undefined) return named[1];
  }
  // Longer paths than the system takes are those of no sync client.
  if (xattrs === undefined || path.length > 4095) return undefined;
  for (const xattr of xattrs.read(path).xattrs) {
    const name = Buffer.from(xattr.name).toString('latin1');
    if (name === NEXTCLOUD_ATTRIBUTE) return 'Nextcloud';
    if (WINDOWS_ATTRIBUTES.has(name) && isRecalled(xattr)) return 'the storage behind its Windows drive';
  }
  return undefined;
}

function isRecalled({ value }: FileXattr): boolean {
  return value.length === 4 && (Buffer.from(value).readUInt32LE() & RECALL_ATTRIBUTES) !== 0;
}

function endsWith(path: Uint8Array, ending: Uint8Array): boolean {
  return Buffer.compare(path.subarray(Math.max(0, path.length - ending.length)), ending) === 0;
}
