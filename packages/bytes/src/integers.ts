/** Fixed-width unsigned integers inside byte arrays: little-endian as format.md has it, big-endian where named so. */

import { OutOfRangeError } from './errors.ts';

const U32_MAX = 0xffffffff;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** @throws OutOfRangeError when fewer than 4 bytes follow `offset`. */
export function readU32(bytes: Uint8Array, offset: number): number {
  requireRoom(bytes, offset, 4);
  const low = (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8) | ((bytes[offset + 2] as number) << 16);
  return (low | ((bytes[offset + 3] as number) << 24)) >>> 0;
}

/** @throws OutOfRangeError when the value is no u32 or does not fit into `target`. */
export function writeU32(target: Uint8Array, offset: number, value: number): void {
  requireRoom(target, offset, 4);
  requireU32(value);
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

/** @throws OutOfRangeError when fewer than 8 bytes follow `offset`. */
export function readU64(bytes: Uint8Array, offset: number): bigint {
  requireRoom(bytes, offset, 8);
  return (BigInt(readU32(bytes, offset + 4)) << 32n) | BigInt(readU32(bytes, offset));
}

/** @throws OutOfRangeError when the value is no u64 or does not fit into `target`. */
export function writeU64(target: Uint8Array, offset: number, value: bigint): void {
  requireRoom(target, offset, 8);
  if (value < 0n || value > U64_MAX) throw new OutOfRangeError(`write u64: value out of range (${value})`);
  writeU32(target, offset, Number(value & 0xffff_ffffn));
  writeU32(target, offset + 4, Number(value >> 32n));
}

/** Four bytes, least significant first. */
export function u32le(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
}

/** Four bytes, most significant first. */
export function u32be(value: number): Uint8Array<ArrayBuffer> {
  return u32le(value).reverse();
}

function requireRoom(bytes: Uint8Array, offset: number, width: number): void {
  if (!(offset >= 0 && offset + width <= bytes.length && Number.isInteger(offset))) {
    throw new OutOfRangeError(`access ${width}-byte integer: offset ${offset} outside ${bytes.length} bytes`);
  }
}

function requireU32(value: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= U32_MAX)) {
    throw new OutOfRangeError(`write u32: value out of range (${value})`);
  }
}
