import { readFileSync } from 'node:fs';
import { fromHex, toHex, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWholeParity, makeParityFile, mendFile, type ParityFile, readParityFile } from './parity-file.ts';
import { encodeParityHead, parityHeadLength, parseParityHead } from './parity-head.ts';
import { chooseShape, dataBlocks, dataPerStripe, LARGEST_FILE, parityBlocks } from './parity-shape.ts';

const NAME = 'vaults/x/packs/y';

/** Bytes that differ from place to place. */
function content(length: number, seed = 1): Uint8Array {
  let state = seed;
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}

function made(bytes: Uint8Array, percent: number, name = NAME): Uint8Array {
  return makeParityFile({ name, bytes, percent, packPercent: percent });
}

function rot(bytes: Uint8Array, offset: number): void {
  bytes[offset] = (bytes[offset] as number) ^ 0x40;
}

/** Rots the given blocks, data blocks first, in copies of both files. */
function withRotten(bytes: Uint8Array, parityFile: Uint8Array, rotten: readonly number[]): [Uint8Array, ParityFile] {
  const [file, parity] = [bytes.slice(), parityFile.slice()];
  const { shape } = readParityFile(parity, NAME).head;
  for (const block of rotten) {
    if (block < dataBlocks(shape)) rot(file, Math.min((block + 1) * shape.blockLength, file.length) - 1);
    else rot(parity, parityHeadLength(shape) + (block - dataBlocks(shape)) * shape.blockLength);
  }
  return [file, readParityFile(parity, NAME)];
}

/** All blocks of a stripe. */
function stripeOf({ head: { shape } }: ParityFile, stripe: number): readonly number[] {
  const inStripe = (_: unknown, index: number): number => index;
  const data = Array.from({ length: dataBlocks(shape) }, inStripe).filter((i) => i % shape.stripes === stripe);
  const parity = Array.from({ length: parityBlocks(shape) }, inStripe).filter((i) => i % shape.stripes === stripe);
  return [...data, ...parity.map((i) => dataBlocks(shape) + i)];
}

const cases = fc.record({
  length: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 3000, max: 200_000 })),
  percent: fc.integer({ min: 1, max: 100 }),
  seed: fc.nat(),
});

describe('parity of a file', () => {
  it('is cut so that it keeps what was asked, whatever the length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LARGEST_FILE }), fc.integer({ min: 1, max: 100 }), (length, percent) => {
        const shape = chooseShape(length, percent);
        expect(parityBlocks(shape) * 100).toBeGreaterThanOrEqual(dataBlocks(shape) * percent);
        expect(dataPerStripe(shape) + shape.parityPerStripe).toBeLessThanOrEqual(255);
        expect(shape.stripes).toBeLessThanOrEqual(dataBlocks(shape));
      }),
    );
  });

  it('mends any blocks of a stripe up to its parity, wherever they are, and says so when one more is rotten', () => {
    fc.assert(
      fc.property(cases, fc.infiniteStream(fc.nat()), ({ length, percent, seed }, draws) => {
        const bytes = content(length, seed);
        const parityFile = made(bytes, percent);
        const parity = readParityFile(parityFile, NAME);
        const { stripes, parityPerStripe } = parity.head.shape;
        const stripe = (draws.next().value as number) % stripes;
        const blocks = [...stripeOf(parity, stripe)];
        const rotten: number[] = [];
        while (rotten.length < parityPerStripe) {
          rotten.push(...blocks.splice((draws.next().value as number) % blocks.length, 1));
        }
        expect(mendFile(NAME, ...withRotten(bytes, parityFile, rotten))).toEqual(bytes);
        const data = blocks.find((block) => block < dataBlocks(parity.head.shape));
        if (data === undefined) return;
        expect(() => mendFile(NAME, ...withRotten(bytes, parityFile, [...rotten, data]))).toThrow(
          expect.objectContaining({ name: 'CustodyError', code: 'damaged' }),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('mends damage in one piece of the promised share, and a file cut short by as much', () => {
    fc.assert(
      fc.property(cases, fc.double({ min: 0, max: 1, noNaN: true }), ({ length, percent, seed }, where) => {
        const bytes = content(length, seed);
        const parity = readParityFile(made(bytes, percent), NAME);
        const { blockLength } = parity.head.shape;
        const size = Math.floor((parityBlocks(parity.head.shape) - 1) * blockLength);
        const start = Math.floor(where * Math.max(0, length - size));
        expect(mendFile(NAME, bytes.slice().fill(0xee, start, start + size), parity)).toEqual(bytes);
        expect(mendFile(NAME, bytes.subarray(0, Math.max(0, length - size)), parity)).toEqual(bytes);
      }),
      { numRuns: 40 },
    );
  });

  it('gives back a file that is gone when it is a second copy', () => {
    const bytes = content(1000);
    expect(mendFile(NAME, new Uint8Array(0), readParityFile(made(bytes, 100), NAME))).toEqual(bytes);
  });

  it('takes no longer file for whole, and drops what was added', () => {
    const bytes = content(5000);
    const longer = new Uint8Array(6000);
    longer.set(bytes);
    expect(mendFile(NAME, longer, readParityFile(made(bytes, 10), NAME))).toEqual(bytes);
  });

  it('is seen to be damaged by any flip, cut and extension, and still mends where either head is whole', () => {
    const bytes = content(3000);
    const parityFile = made(bytes, 50);
    const whole = readParityFile(parityFile, NAME);
    expect(isWholeParity(parityFile, whole)).toBe(true);
    const headLength = parityHeadLength(whole.head.shape);
    for (let at = 0; at < parityFile.length; at += 7) {
      const flipped = parityFile.slice();
      rot(flipped, at);
      const parity = readParityFile(flipped, NAME);
      expect(isWholeParity(flipped, parity), `flip at ${at}`).toBe(false);
      const inHead = at < headLength || at >= headLength + whole.blocks.length;
      const file = bytes.slice();
      rot(file, 100);
      if (inHead) expect(mendFile(NAME, file, parity)).toEqual(bytes);
    }
    for (const other of [parityFile.subarray(0, -1), new Uint8Array([...parityFile, 0])]) {
      expect(isWholeParity(other, readParityFile(other, NAME))).toBe(false);
    }
    const both = parityFile.slice();
    rot(both, 20);
    rot(both, both.length - 20);
    expect(() => readParityFile(both, NAME)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('is refused for another file, also one of the same length', () => {
    expect(() => readParityFile(made(content(900), 10), 'account/slots/other')).toThrow(/for another file/);
    const parity = readParityFile(made(content(900), 10), NAME);
    expect(() => mendFile(NAME, content(900, 2), parity)).toThrow(expect.objectContaining({ code: 'damaged' }));
  });

  it('never reads bytes that nobody wrote as a head', () => {
    const head = makeParityFile({ name: NAME, bytes: content(600), percent: 100, packPercent: 10 });
    fc.assert(
      fc.property(fc.nat(head.length - 1), fc.integer({ min: 1, max: 255 }), (at, value) => {
        const changed = head.slice(0, parityHeadLength(parseParityHead(head).shape));
        changed[at % changed.length] = ((changed[at % changed.length] as number) + value) & 255;
        expect(() => parseParityHead(changed)).toThrow(expect.objectContaining({ code: 'malformed' }));
      }),
    );
  });
});

interface Vectors {
  readonly files: readonly {
    readonly name: string;
    readonly bytes: string;
    readonly percent: number;
    readonly packPercent: number;
    readonly parityFile?: string;
    readonly parityFileHash: string;
  }[];
  readonly mustFail: readonly { readonly what: string; readonly head: string }[];
}
const path = new URL('../../../../vectors/parity-v1.json', import.meta.url);
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors;

describe('parity vectors', () => {
  it.each(vectors.files)('$name with $percent % is made as it is written down', (vector) => {
    const { name, percent, packPercent, parityFile } = vector;
    // "pattern N": byte i is i·i mod 251.
    const pattern = /^pattern (\d+)$/.exec(vector.bytes)?.[1];
    const bytes =
      pattern === undefined ? fromHex(vector.bytes) : new Uint8Array(Number(pattern)).map((_, i) => (i * i) % 251);
    const file = makeParityFile({ name, bytes, percent, packPercent });
    if (parityFile !== undefined) expect(toHex(file)).toBe(parityFile);
    expect(toHex(sha256(file))).toBe(vector.parityFileHash);
  });

  it.each(vectors.mustFail)('a head that must be refused: $what', ({ head }) => {
    expect(() => parseParityHead(fromHex(head))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('repeats a head of every valid vector', () => {
    for (const { parityFile } of vectors.files) {
      if (parityFile === undefined) continue;
      const bytes = fromHex(parityFile);
      const head = parseParityHead(bytes);
      expect(toHex(encodeParityHead(head))).toBe(toHex(bytes.subarray(0, parityHeadLength(head.shape))));
    }
    expect(utf8Encode('KHPY')).toHaveLength(4);
  });
});
