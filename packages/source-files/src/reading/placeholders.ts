/**
 * Recognises files of cloud storage whose content is not on this machine: opening them would fetch it, or store the few
 * bytes that stand for it as if they were the file. Looked for only where stat already makes it likely, so that other
 * files cost no call.
 */
import { type CString, CStringScratch, cString, type Libc } from '@keephold/ffi';

export interface FileExtent {
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
}

/** FILE_ATTRIBUTE_OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS (winnt.h). */
const RECALL_ATTRIBUTES = 0x1000 | 0x4_0000 | 0x40_0000;

/** Where Linux shows the attributes of Windows, asked for by name because no list has them: CIFS, NTFS-3G and ntfs3. */
const WINDOWS_ATTRIBUTES: readonly CString[] = ['user.cifs.dosattrib', 'system.ntfs_attrib'].map((name) =>
  cString(Buffer.from(name)),
);

/** Sync clients that keep names of files as files of one byte, and what marks them. */
const NAME_ENDINGS: readonly (readonly [ending: Uint8Array, client: string])[] = [
  [Buffer.from('.nextcloud'), 'Nextcloud'],
  [Buffer.from('.owncloud'), 'ownCloud'],
];
const NEXTCLOUD_ATTRIBUTE: CString = cString(Buffer.from('user.nextcloud.hydrate_exec'));

const scratch = new CStringScratch();
const value: Buffer = Buffer.alloc(256);

/** Where its content lives; undefined for a file that is here. `calls` undefined: only names are looked at. */
export function placeholderOf(
  path: Uint8Array,
  { size, blocks }: FileExtent,
  calls: Libc | undefined,
): string | undefined {
  if (size === 1) return ofClient(path, calls);
  if (size === 0 || blocks > 0) return undefined;
  const isRecalled = WINDOWS_ATTRIBUTES.some(
    (name) => attribute(path, name, calls) === 4 && (value.readUInt32LE() & RECALL_ATTRIBUTES) !== 0,
  );
  return isRecalled ? 'the storage behind its Windows drive' : undefined;
}

function ofClient(path: Uint8Array, calls: Libc | undefined): string | undefined {
  const named = NAME_ENDINGS.find(([ending]) => endsWith(path, ending));
  if (named !== undefined) return named[1];
  return attribute(path, NEXTCLOUD_ATTRIBUTE, calls) > 0 ? 'Nextcloud' : undefined;
}

/** Its length in `value`, or less than 0. */
function attribute(path: Uint8Array, name: CString, calls: Libc | undefined): number {
  // Longer paths than the system takes are those of no sync client.
  if (calls === undefined || path.length > 4095) return -1;
  return calls.lgetxattr(scratch.put(path), name, value);
}

function endsWith(path: Uint8Array, ending: Uint8Array): boolean {
  return Buffer.compare(path.subarray(Math.max(0, path.length - ending.length)), ending) === 0;
}
