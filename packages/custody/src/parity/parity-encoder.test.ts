import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParityEncoder } from './parity-encoder.ts';
import { stripeCode } from './reed-solomon.ts';

describe('the parity encoder', () => {
  it('makes what the library makes, of any stripes, one after the other', () => {
    const encoder = new ParityEncoder();
    const shapes = fc.record({
      data: fc.integer({ min: 1, max: 100 }),
      parity: fc.integer({ min: 1, max: 20 }),
      stripes: fc.integer({ min: 1, max: 3 }),
      blockLength: fc.integer({ min: 1, max: 4 }).map((parts) => parts * 512),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(shapes, ({ data, parity, stripes, blockLength, seed }) => {
        const sizes = { data, parity, blockLength };
        const shape = { fileLength: data * stripes * blockLength, blockLength, stripes, parityPerStripe: parity };
        encoder.begin(shape);
        for (let stripe = 0; stripe < stripes; stripe++) {
          const blocks = contents((data + parity) * blockLength, seed + stripe);
          for (let place = 0; place < data; place++)
            encoder.add(place * stripes + stripe, blocks.subarray(place * blockLength, (place + 1) * blockLength));
          stripeCode(sizes).encode(blocks);
          for (let row = 0; row < parity; row++) {
            const at = (row * stripes + stripe) * blockLength;
            const made = encoder.blocks.subarray(at, at + blockLength);
            expect(made).toEqual(blocks.subarray((data + row) * blockLength, (data + row + 1) * blockLength));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('takes what a short block lacks for zeros, whatever was there before', () => {
    const shape = { fileLength: 1500, blockLength: 512, stripes: 1, parityPerStripe: 2 };
    const blocksOf = (encoder: ParityEncoder): Uint8Array => {
      encoder.begin(shape);
      const bytes = contents(1500, 5);
      for (let index = 0; index < 3; index++) encoder.add(index, bytes.subarray(index * 512, (index + 1) * 512));
      return encoder.blocks.slice();
    };
    const used = new ParityEncoder();
    used.begin(shape);
    used.add(0, contents(512, 9));
    expect(blocksOf(used)).toEqual(blocksOf(new ParityEncoder()));
  });
});

function contents(length: number, seed: number): Uint8Array {
  let state = seed;
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}
