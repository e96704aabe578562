import { expect, test } from 'vitest';
import { fakeStream } from './_fake-stream.ts';
import { Output, pathFields } from './output.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const systemError = (code: string) => Object.assign(new Error(`write ${code}`), { code });

function outputTo(options: { json?: boolean; quiet?: boolean; terminal?: boolean; fail?: () => Error | undefined }) {
  const stdout = fakeStream({ isTTY: options.terminal ?? false, ...(options.fail && { fail: options.fail }) });
  const stderr = fakeStream();
  const out = new Output({ stdout, stderr, json: options.json ?? false, quiet: options.quiet ?? false });
  return { stdout, stderr, out };
}

test('text without --json, one object a line with it', async () => {
  for (const json of [false, true]) {
    const { stdout, out } = outputTo({ json });
    await out.answer('two files', { type: 'summary', files: 2, time: 12345678901234567890n });
    await out.result('for people');
    await out.record({ type: 'for-tools' });
    await out.flush();
    const expected = json
      ? '{"type":"summary","files":2,"time":"12345678901234567890"}\n{"type":"for-tools"}\n'
      : 'two files\nfor people\n';
    expect(stdout.text).toBe(expected);
  }
});

test('names go raw into a pipe and escaped to a terminal', async () => {
  const name = bytes('a\x1b[2J\xff');
  const pipe = outputTo({});
  await pipe.out.pathLine('12 ', name);
  await pipe.out.flush();
  expect(pipe.stdout.text).toBe('12 a\x1b[2J\xff\n');
  const terminal = outputTo({ terminal: true });
  await terminal.out.pathLine('12 ', name);
  await terminal.out.flush();
  expect(terminal.stdout.text).toBe('12 a\\x1b[2J\\xff\n');
});

test('a reader that has gone ends the output quietly', async () => {
  const { out } = outputTo({ fail: () => systemError('EPIPE') });
  await out.result('x'.repeat(100_000));
  await out.result('more');
  await out.flush();
  expect(out.closed).toBe(true);
});

test('any other failure of standard output is an error', async () => {
  const { out } = outputTo({ fail: () => systemError('ENOSPC') });
  await out.result('text');
  await expect(out.flush()).rejects.toMatchObject({ code: 'output', cause: { code: 'ENOSPC' } });
});

test('--quiet silences notes, never warnings and errors', () => {
  const { stderr, out } = outputTo({ quiet: true });
  out.note('by the way');
  out.warn('look at \x1b this');
  out.error('it failed');
  expect(stderr.text).toBe('warning: look at \\x1b this\nit failed\n');
});

test('paths in JSON keep bytes that are no text', () => {
  expect(pathFields(bytes('plain'))).toEqual({ path: 'plain' });
  expect(pathFields(bytes('a\xff'), 'target')).toEqual({ target: 'a\ufffd', targetBytes: 'Yf8=' });
});

test('content may change once it was taken', async () => {
  const { stdout, out } = outputTo({});
  const area = new Uint8Array(new SharedArrayBuffer(100_000));
  for (const [length, fill] of [
    [10, 97],
    [100_000, 98],
    [5, 99],
  ] as const) {
    area.fill(fill);
    await out.bytes(area.subarray(0, length));
  }
  area.fill(0);
  await out.flush();
  expect(stdout.text).toBe('a'.repeat(10) + 'b'.repeat(100_000) + 'c'.repeat(5));
});
