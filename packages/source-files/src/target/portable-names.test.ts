import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableName } from './portable-names.ts';

const mapped = (text: string) => portableName(Buffer.from(text));

describe('names on a system that forbids some', () => {
  it('leaves ordinary names alone', () => {
    for (const name of ['a.txt', 'é ü', '100%', 'con-air', '.hidden', 'a b']) expect(mapped(name)).toBe(name);
  });

  it('escapes forbidden characters, reserved names, dots and spaces at the end, invalid UTF-8', () => {
    expect(mapped('a:b?')).toBe('a%3Ab%3F');
    expect(mapped('CON')).toBe('%43ON');
    expect(mapped('nul.txt')).toBe('%6Eul.txt');
    expect(mapped('end.')).toBe('end%2E');
    expect(mapped('end ')).toBe('end%20');
    expect(mapped('50%20')).toBe('50%2520');
    expect(mapped('a\nb')).toBe('a%0Ab');
    expect(portableName(Uint8Array.of(0x61, 0xff))).toBe('a%FF');
  });

  it('maps any name to an allowed one, and no two names to one', () => {
    const name = fc
      .oneof(
        fc.uint8Array({ minLength: 1, maxLength: 6 }),
        fc
          .array(fc.constantFrom('%', '2', '0', '5', 'c', 'o', 'n', '.', ' ', ':', 'é', '\u00ff'), {
            minLength: 1,
            maxLength: 6,
          })
          .map((chars) => Buffer.from(chars.join(''))),
      )
      .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f));
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(name, (bytes) => {
        const text = portableName(bytes);
        const hex = Buffer.from(bytes).toString('hex');
        expect(text).not.toMatch(/[<>:"/\\|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
        expect(seen.get(text) ?? hex).toBe(hex);
        seen.set(text, hex);
      }),
      { numRuns: 20_000 },
    );
  });
});
