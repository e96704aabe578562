/** Which format a file is of, by how it begins; and which one its name promises. */
import { equalBytes } from '@keephold/bytes';
import { isTarHeader } from './tar-header.ts';

export type Format = 'sqlite' | 'png' | 'jpeg' | 'gif' | 'webp' | 'iso-media' | 'zip' | 'gzip' | 'tar' | 'pdf';

/** Bytes from the beginning that are looked at. */
export const HEAD_BYTES = 1032;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Box types that ISO media files begin with; those before 'ftyp' was required, too. */
const FIRST_BOXES = ['ftyp', 'moov', 'mdat', 'wide'].map(ascii);

const beginnings: readonly (readonly [Format, at: number, Uint8Array])[] = [
  ['sqlite', 0, ascii('SQLite format 3\0')],
  ['png', 0, ascii('\x89PNG\r\n\x1a\n')],
  ['jpeg', 0, ascii('\xff\xd8\xff')],
  ['gif', 0, ascii('GIF87a')],
  ['gif', 0, ascii('GIF89a')],
  ['zip', 0, ascii('PK\x03\x04')],
  // One without entries.
  ['zip', 0, ascii('PK\x05\x06')],
  ['gzip', 0, ascii('\x1f\x8b\x08')],
  ...FIRST_BOXES.map((type) => ['iso-media', 4, type] as const),
];

const named: Readonly<Record<string, Format>> = {
  jpg: 'jpeg',
  jpeg: 'jpeg',
  png: 'png',
  gif: 'gif',
  webp: 'webp',
  heic: 'iso-media',
  pdf: 'pdf',
  zip: 'zip',
  gz: 'gzip',
  tgz: 'gzip',
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
};

/** By the first HEAD_BYTES of a file. */
export function formatOf(head: Uint8Array): Format | undefined {
  const found = beginnings.find(([, at, bytes]) => equalBytes(head.subarray(at, at + bytes.length), bytes));
  if (found !== undefined) return found[0];
  const text = latin1(head);
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp';
  if (isTarHeader(head)) return 'tar';
  // Readers look for it in the first 1,024 bytes.
  const pdf = text.indexOf('%PDF-');
  return pdf >= 0 && pdf < 1024 ? 'pdf' : undefined;
}

/** What a file of this name must be; undefined where the name promises nothing that can be relied on. */
export function formatNamed(name: Uint8Array): Format | undefined {
  const extension = /\.([a-z0-9]{1,7})$/i.exec(latin1(name.subarray(-16)))?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(named, extension) ? named[extension] : undefined;
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
