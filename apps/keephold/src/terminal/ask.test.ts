import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { InterruptedError } from '../errors.ts';
import { fakeStream } from './_fake-stream.ts';
import { LineEditor, systemTerminal } from './ask.ts';

const keys = (text: string): Uint8Array => new TextEncoder().encode(text);

function typed(...parts: Uint8Array[]): { text: string; end: string | undefined } {
  const editor = new LineEditor();
  let end: string | undefined;
  for (const part of parts) for (const key of editor.feed(part)) if (key.kind !== 'echo') end = key.kind;
  return { text: editor.text, end };
}

test('a line ends with return', () => {
  expect(typed(keys('horse battery\r'))).toEqual({ text: 'horse battery', end: 'done' });
});

test('characters may arrive in pieces', () => {
  const all = keys('Grüße\n');
  expect(typed(...Array.from(all, (byte) => Uint8Array.of(byte)))).toEqual({ text: 'Grüße', end: 'done' });
});

test('backspace takes one character, Ctrl-U all, arrows nothing', () => {
  expect(typed(keys('aü\x7fb\r')).text).toBe('ab');
  expect(typed(keys('abc\x15d\r')).text).toBe('d');
  expect(typed(keys('a\x1b[D\x1b[1;5Cb\x1bOAc\r')).text).toBe('abc');
});

test('Ctrl-C interrupts, Ctrl-D on an empty line too', () => {
  expect(typed(keys('abc\x03')).end).toBe('interrupt');
  expect(typed(keys('\x04')).end).toBe('interrupt');
  expect(typed(keys('abc\x04'))).toEqual({ text: 'abc', end: 'done' });
});

function fakeInput() {
  const raw: boolean[] = [];
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (on: boolean) => raw.push(on),
    resume: () => input,
    pause: () => input,
  });
  return { input, raw };
}

test('a secret is not echoed and the terminal is put back', async () => {
  const { input, raw } = fakeInput();
  const stderr = fakeStream({ isTTY: true });
  const terminal = systemTerminal(() => input as never, stderr);
  const answer = terminal.askSecret('password: ');
  input.emit('data', keys('secret\r'));
  expect(await answer).toBe('secret');
  expect(stderr.text).toBe('password: \n');
  expect(raw).toEqual([true, false]);
  expect(input.listenerCount('data')).toBe(0);
});

test('an interrupt puts the terminal back as well', async () => {
  const { input, raw } = fakeInput();
  const terminal = systemTerminal(() => input as never, fakeStream({ isTTY: true }));
  const answer = terminal.ask('word 3: ');
  input.emit('data', keys('ab\x03'));
  await expect(answer).rejects.toBeInstanceOf(InterruptedError);
  expect(raw).toEqual([true, false]);
});
