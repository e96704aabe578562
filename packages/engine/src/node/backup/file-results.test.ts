import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CONTENT_ROW_BYTES } from '../../node-encoding.ts';
import { STAT_ROW_WORDS } from '../../source.ts';
import type { Cutting } from './file-kinds.ts';
import { FileResultReader, FileResultWriter } from './file-results.ts';

const cutting: fc.Arbitrary<Cutting> = fc.oneof(
  fc.constant<Cutting>({ kind: 'content' }),
  fc.record({
    kind: fc.constantFrom('pages' as const, 'sectors' as const),
    pieceBytes: fc.constantFrom(16_384, 1 << 20),
  }),
);
const content = fc.record({
  row: fc.option(fc.uint32Array({ minLength: STAT_ROW_WORDS, maxLength: STAT_ROW_WORDS }), { nil: undefined }),
  live: fc.boolean(),
  isDatabase: fc.boolean(),
  parts: fc.nat(5).map((count) => new Uint8Array(count * CONTENT_ROW_BYTES).fill(count)),
  places: fc.array(fc.nat()),
  holes: fc.array(fc.tuple(fc.maxSafeNat(), fc.maxSafeNat())),
  rest: fc.option(fc.record({ cutting, resumeAt: fc.maxSafeNat() }), { nil: undefined }),
});

it('reads results back as they were written, one after the other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(content, fc.constantFrom('EACCES', 'EIO', 'gone' as const, 'in-use' as const)), {
        maxLength: 20,
      }),
      (all) => {
        const writer = new FileResultWriter();
        for (const one of all) {
          if (one === 'gone') writer.gone();
          else if (one === 'in-use') writer.inUse('part');
          else if (typeof one === 'string') writer.failed(one);
          else writer.read({ ...one, ...one.rest });
        }
        const reader = new FileResultReader(writer.finish());
        for (const one of all) {
          const read = reader.next();
          if (one === 'gone' || one === 'in-use') expect(read).toMatchObject({ outcome: one, live: one === 'in-use' });
          else if (typeof one === 'string') expect(read).toMatchObject({ outcome: 'failed', errorCode: one });
          else {
            const { row, rest, ...same } = one;
            expect(read).toMatchObject({
              outcome: rest === undefined ? 'read' : 'segments',
              changedRow: row,
              ...same,
              ...rest,
            });
          }
        }
      },
    ),
  );
});
