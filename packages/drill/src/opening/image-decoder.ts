/**
 * Decodes images by ImageMagick and its decoders in WebAssembly (docs/adr/0017): hostile bytes reach nothing but that
 * memory, no file and no network, and it is bounded. What it warns of counts as damage where it means that image data is
 * wrong or missing; viewers would show such an image with a grey or shifted part.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { IMagickImage, MagickFormat } from '@imagemagick/magick-wasm';
import { BrokenFileError, SpoiledDecoderError } from '../errors.ts';
import { type FileBytes, pieces } from './file-bytes.ts';

/** Bytes of a file: it is held twice, here and there. */
const LONGEST_FILE = 64 << 20;
/** Bytes that decoding may take beside it: 67 megapixels of a progressive JPEG, any number of an ordinary one. */
const MEMORY = 192n << 20n;

export type DecodedFormat = 'jpeg' | 'gif';

/** `not-decoded`: nothing is known against it. */
export type Decoded = { readonly kind: 'decoded' } | { readonly kind: 'not-decoded'; readonly reason: string };

type Magick = typeof import('@imagemagick/magick-wasm');

let loaded: Promise<Magick> | undefined;

/**
 * `file` begins like one of the format.
 * @throws BrokenFileError when image data is wrong or missing
 * @throws SpoiledDecoderError when the decoder itself failed: this process can decode no more
 */
export async function decodeImage(file: FileBytes, format: DecodedFormat): Promise<Decoded> {
  if (file.size > LONGEST_FILE) return { kind: 'not-decoded', reason: 'it is too long to be decoded' };
  const magick = await (loaded ??= loadMagick());
  using image = disposable(magick.MagickImage.create());
  const warnings: string[] = [];
  image.value.onWarning = ({ error }) => warnings.push(clauseOf(error.message));
  try {
    image.value.read(wholeOf(file), settingsOf(magick, format));
  } catch (cause) {
    if (!(cause instanceof magick.MagickError)) throw new SpoiledDecoderError({ cause });
    return judgeError(clauseOf(cause.message));
  }
  const [damage] = warnings.filter(meansDamage);
  if (damage !== undefined) throw broken(damage);
  return { kind: 'decoded' };
}

/** What it lacks or is not given room for is not the fault of the file. */
function judgeError(message: string): Decoded {
  if (/exhausted|limit|MemoryAllocation/i.test(message))
    return { kind: 'not-decoded', reason: 'it is too large to be decoded' };
  if (/unsupported|not supported|not implemented|delegate/i.test(message))
    return { kind: 'not-decoded', reason: `it is of a kind that is not decoded: ${message}` };
  throw broken(message);
}

/** Other warnings are about what is beside the image: colour profiles, versions, unknown markers. */
function meansDamage(warning: string): boolean {
  return /^(Corrupt JPEG data: (?!bad ICC)|Premature end|CorruptImage|InsufficientImageData)/.test(warning);
}

function broken(message: string): BrokenFileError {
  return new BrokenFileError(`its image data does not decode: ${message}`);
}

/** Behind the message stands where it was raised. */
function clauseOf(message: string): string {
  return message.replace(/ `.*$/s, '').slice(0, 200);
}

function settingsOf(magick: Magick, format: DecodedFormat): InstanceType<Magick['MagickReadSettings']> {
  const settings = new magick.MagickReadSettings();
  const coder: MagickFormat = format === 'jpeg' ? magick.MagickFormat.Jpeg : magick.MagickFormat.Gif;
  // Never what the bytes say: some formats name other files.
  settings.format = coder;
  // All image data is decoded, and an eighth of the size made of it: 200 megapixels take 12 MB.
  if (format === 'jpeg') settings.setDefine(coder, 'size', '1x1');
  return settings;
}

async function loadMagick(): Promise<Magick> {
  const magick = await import('@imagemagick/magick-wasm');
  await magick.initializeImageMagick(readFileSync(wasmPath()));
  const { ResourceLimits } = magick;
  ResourceLimits.memory = MEMORY;
  ResourceLimits.maxMemoryRequest = MEMORY;
  // Where there is no room it fails, and does not go on in files in memory.
  ResourceLimits.disk = 0n;
  return magick;
}

/** Beside the bundle that is published; in the library's own package where sources run as they are. */
function wasmPath(): string {
  const beside = fileURLToPath(new URL('./magick.wasm', import.meta.url));
  if (existsSync(beside)) return beside;
  return fileURLToPath(import.meta.resolve('@imagemagick/magick-wasm/magick.wasm'));
}

function wholeOf(file: FileBytes): Uint8Array {
  const whole = new Uint8Array(file.size);
  let at = 0;
  for (const piece of pieces(file, 0, file.size)) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function disposable(value: IMagickImage): Disposable & { readonly value: IMagickImage } {
  return { value, [Symbol.dispose]: () => value.dispose() };
}
