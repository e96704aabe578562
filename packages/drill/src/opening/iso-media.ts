/**
 * Goes through the boxes of HEIC, MP4, MOV and M4A files (ISO/IEC 14496-12): they tile the file to its end, and what
 * says where pictures or samples lie is there. It does not decode them.
 */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { latin1 } from './format.ts';
import type { Done } from './opened.ts';

/** Boxes that describe content: films, pictures, and films in fragments. */
const DESCRIPTIONS = new Set(['moov', 'meta', 'moof']);

export function openIsoMedia(file: FileBytes): Done {
  let boxes = 0;
  let isDescribed = false;
  for (let at = 0; at < file.size; boxes++) {
    const { type, length } = boxAt(file, at);
    isDescribed ||= DESCRIPTIONS.has(type);
    at += length;
    if (at > file.size) throw new BrokenFileError(`its ${type} box ends at byte ${at}, and the file at ${file.size}`);
  }
  if (!isDescribed) throw new BrokenFileError('it does not say what is in it (no moov or meta box)');
  return { did: `read its ${boxes} boxes to the end (not decoded)`, toTheEnd: true };
}

function boxAt(file: FileBytes, at: number): { readonly type: string; readonly length: number } {
  const head = Buffer.from(file.read(at, 8));
  const type = latin1(head.subarray(4));
  if (!/^[\x20-\x7e\xa9]{4}$/.test(type)) throw new BrokenFileError(`there is no box at byte ${at}`);
  const length = head.readUInt32BE(0);
  // 0: up to the end of the file. 1: too long for 32 bits.
  if (length === 0) return { type, length: file.size - at };
  const long = length === 1 ? Number(Buffer.from(file.read(at + 8, 8)).readBigUInt64BE(0)) : length;
  if (long < (length === 1 ? 16 : 8))
    throw new BrokenFileError(`its ${type} box at byte ${at} has a length of ${long}`);
  return { type, length: long };
}
