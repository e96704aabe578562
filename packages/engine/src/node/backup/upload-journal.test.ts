import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import type { IndexKey } from '@keephold/crypto';
import type { PackId, SessionId, VaultId } from '@keephold/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { IndexedPack } from '../../index-object.ts';
import { UploadJournal } from './upload-journal.ts';

const keys = {
  vaultId: new Uint8Array(16).fill(1) as Uint8Array as VaultId,
  indexKeys: new Map([[0, new Uint8Array(32).fill(2) as Uint8Array as IndexKey]]),
  epoch: 0,
};
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(with_: Partial<typeof keys> = {}): UploadJournal {
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  return new UploadJournal(folder, { keys: { ...keys, ...with_ }, random });
}

/** A pack with one blob in one frame; `mark` tells it from others. */
function pack(mark: number, pageCount = 256): IndexedPack {
  const contents = { frames: new Uint8Array(16), blobs: new Uint8Array(48) };
  const frame = new DataView(contents.frames.buffer);
  [0, 5, 5].forEach((value, i) => frame.setUint32(i * 4, value, true));
  contents.blobs.fill(mark, 0, 32);
  new DataView(contents.blobs.buffer).setUint32(40, 5, true);
  contents.blobs[44] = 1;
  return {
    packId: new Uint8Array(32).fill(mark) as Uint8Array as PackId,
    packSalt: new Uint8Array(32).fill(3),
    pageCount,
    kind: 1,
    sessionId: new Uint8Array(16).fill(4) as Uint8Array as SessionId,
    contents,
  };
}

async function marksIn(journal: UploadJournal): Promise<readonly number[]> {
  const marks: number[] = [];
  for await (const { packId } of journal.earlier()) marks.push(packId[0]!);
  return marks;
}

it('tells the next run, as it was, what this one added, and not this one', async () => {
  const journal = open();
  await Promise.all([journal.add(pack(1)), journal.add(pack(2)), journal.add(pack(3, 8))]);
  expect(await marksIn(journal)).toEqual([]);
  const read: IndexedPack[] = [];
  for await (const one of open().earlier()) read.push(one);
  expect(read).toEqual([pack(1), pack(2)]);
});

it('forgets what was added before the cut, and keeps what came after it', async () => {
  await open().add(pack(1));
  const journal = open();
  await journal.add(pack(2));
  const cut = journal.cut();
  await journal.add(pack(3));
  expect(await marksIn(open())).toEqual([1, 2, 3]);
  journal.forget(cut);
  expect(await marksIn(open())).toEqual([3]);
});

it('shows neither names nor contents of packs, and opens with its own key only', async () => {
  await open().add(pack(0x41));
  const [name = ''] = readdirSync(folder);
  expect(toHex(readFileSync(join(folder, name)))).not.toContain('41'.repeat(8));
  expect(await marksIn(open({ vaultId: new Uint8Array(16) as Uint8Array as VaultId }))).toEqual([]);
  expect(await marksIn(open({ indexKeys: new Map() }))).toEqual([]);
  expect(await marksIn(open())).toEqual([0x41]);
});

it('reads up to where it is cut short, changed or followed by anything else, and nothing that was not added', async () => {
  const journal = open();
  for (let mark = 1; mark <= 4; mark++) await journal.add(pack(mark));
  const path = join(folder, readdirSync(folder)[0] as string);
  const whole = readFileSync(path);
  const entry = whole.length / 4;
  const damages = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(whole.length - 1) }),
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(whole.length - 1), bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('more' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 2 * entry }) }),
  );
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      const bytes = Buffer.from(whole);
      if (damage.kind === 'flip') bytes[damage.at] = bytes[damage.at]! ^ (1 << damage.bit);
      const written =
        damage.kind === 'cut'
          ? bytes.subarray(0, damage.at)
          : damage.kind === 'more'
            ? Buffer.concat([bytes, damage.bytes])
            : bytes;
      writeFileSync(path, written);
      const left = damage.kind === 'more' ? 4 : Math.floor(damage.at / entry);
      expect(await marksIn(open())).toEqual([1, 2, 3, 4].slice(0, left));
    }),
  );
});
