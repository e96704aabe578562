import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MalformedRecordError } from '../errors.ts';
import { decodeCommitBody, encodeCommitBody } from './commit-body.ts';
import { decodeFrames, encodeFrames, FrameReader } from './frames.ts';
import { decodeRefsetBody, encodeRefsetBody } from './refset-body.ts';
import { decodeSignUpBody, encodeSignUpBody } from './sign-up-body.ts';

const bytes = fc.uint8Array({ maxLength: 70 });
const limits = { length: 70, count: 20 };

it('reads frames back, however they are cut into chunks', () => {
  const frames = fc.array(fc.option(bytes, { nil: undefined }), { maxLength: 20 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 40 }), (list, step) => {
      const body = encodeFrames(list);
      const reader = new FrameReader(limits);
      const found = [];
      for (let at = 0; at < body.length; at += step) found.push(...reader.push(body.subarray(at, at + step)));
      reader.end();
      expect(found).toEqual(list);
    }),
  );
});

it('refuses frames that are cut off, too long or too many', () => {
  const body = encodeFrames([new Uint8Array(5), new Uint8Array(7)]);
  for (let length = 1; length < body.length; length++) {
    if (length === 9) continue;
    expect(() => decodeFrames(body.subarray(0, length), limits)).toThrow(MalformedRecordError);
  }
  expect(() => decodeFrames(body, { length: 6, count: 2 })).toThrow(MalformedRecordError);
  expect(() => decodeFrames(body, { length: 7, count: 1 })).toThrow(MalformedRecordError);
});

it('reads commit requests back and refuses other bodies', () => {
  const seq = fc.option(fc.nat(), { nil: undefined });
  const refset = fc.option(fc.record({ parentSeq: seq, added: bytes, removed: bytes }), { nil: undefined });
  fc.assert(
    fc.property(fc.record({ bytes, packsAdded: bytes, refset }), (request) => {
      const body = encodeCommitBody(request);
      expect(decodeCommitBody(body)).toEqual(request);
      expect(() => decodeCommitBody(body.subarray(0, -1))).toThrow(MalformedRecordError);
    }),
  );
  for (const frames of [[], [bytes0], [undefined, bytes0], [bytes0, bytes0, new Uint8Array(7), bytes0, bytes0]]) {
    expect(() => decodeCommitBody(encodeFrames(frames))).toThrow(MalformedRecordError);
  }
});

it('reads refsets back and refuses other bodies', () => {
  const packs = fc.option(bytes, { nil: undefined });
  fc.assert(
    fc.property(fc.record({ refset: bytes, packs }), (restated) => {
      const body = encodeRefsetBody(restated);
      expect(decodeRefsetBody(body)).toEqual(restated);
      expect(() => decodeRefsetBody(body.subarray(0, -1))).toThrow(MalformedRecordError);
    }),
  );
  for (const frames of [[], [undefined, bytes0], [bytes0, bytes0, bytes0]])
    expect(() => decodeRefsetBody(encodeFrames(frames))).toThrow(MalformedRecordError);
});

const bytes0 = new Uint8Array(0);

it('reads new accounts back and refuses counts and heads that do not fit', () => {
  const slot = fc.record({ slotId: fc.uint8Array({ minLength: 16, maxLength: 16 }), record: bytes });
  const text = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((one) => Buffer.from(one).toString('base64url'));
  const recovery = fc.record({ recoveryId: text(16), publicKey: text(32), slotId: text(16) });
  const head = fc.record(
    {
      attemptId: text(32),
      invitation: fc.string({ unit: 'grapheme', maxLength: 5 }),
      name: fc.string({ minLength: 1, maxLength: 20 }),
      record: text(192),
      slotId: text(16),
      recovery,
    },
    { requiredKeys: ['attemptId', 'invitation', 'name', 'record', 'slotId'] },
  );
  const account = fc.record({
    head,
    keyring: bytes,
    keychain: fc.array(bytes, { minLength: 1, maxLength: 9 }),
    slots: fc.array(slot, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(account, (wanted) => {
      expect(decodeSignUpBody(encodeSignUpBody(wanted))).toEqual(wanted);
      const odd = { ...wanted, keychain: [...wanted.keychain, bytes0], slots: [] };
      const body = encodeSignUpBody(odd);
      body[4 + Buffer.byteLength(JSON.stringify(wanted.head)) + 4 + wanted.keyring.length + 4] = 200;
      expect(() => decodeSignUpBody(body)).toThrow(MalformedRecordError);
      const more = { ...wanted, head: { ...wanted.head, admin: true } };
      expect(() => decodeSignUpBody(encodeSignUpBody(more))).toThrow(MalformedRecordError);
    }),
  );
});
