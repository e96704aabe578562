import { expect, test } from 'vitest';
import { fakeStream } from './_fake-stream.ts';
import { Output } from './output.ts';
import { ProgressLine, progressText } from './progress-line.ts';
import { displayWidth } from './text-table.ts';

const path = new TextEncoder().encode('/home/me/\x1b[2Jphoto.jpg');

test('tells what is done, how fast, what is left and where it is', () => {
  const progress = { files: 1200, totalFiles: 2000, bytes: 3e9, totalBytes: 6e9, currentPath: path, errors: 1 };
  expect(progressText('backing up', progress, 1e8, 120)).toBe(
    'backing up 50%, 1,200 files of 2,000, 3.00 GB of 6.00 GB, 100 MB/s, 30 s left, 1 error  /home/me/\\x1b[2Jphoto.jpg',
  );
});

test('without totals it claims none', () => {
  expect(progressText('backing up', { files: 1, bytes: 500 }, undefined, 80)).toBe('backing up, 1 file, 500 bytes');
});

test('it fits the terminal, however narrow', () => {
  for (let width = 20; width < 140; width++) {
    const progress = { files: 123456, bytes: 3e9, totalBytes: 6e9, currentPath: path };
    expect(displayWidth(progressText('backing up', progress, 1e8, width))).toBeLessThanOrEqual(width);
  }
});

test('draws at most ten times a second, and messages do not run into it', () => {
  const stderr = fakeStream({ isTTY: true, columns: 80 });
  const out = new Output({ stdout: fakeStream(), stderr, json: false, quiet: false });
  let now = 0;
  const line = new ProgressLine(out, 'reading', () => now);
  for (; now < 1000; now += 10) line.update({ files: now, bytes: now });
  expect(stderr.text.split('\r\x1b[K').length - 1).toBe(10);
  out.warn('a file could not be read');
  expect(stderr.text).toContain('\r\x1b[Kwarning: a file could not be read\n\r\x1b[Kreading');
  line.end();
  expect(stderr.text.endsWith('\r\x1b[K')).toBe(true);
});

test('nothing is drawn where there is no terminal, with --quiet or with --json', () => {
  for (const [isTTY, json, quiet] of [
    [false, false, false],
    [true, true, false],
    [true, false, true],
  ] as const) {
    const stderr = fakeStream({ isTTY });
    const line = new ProgressLine(new Output({ stdout: fakeStream(), stderr, json, quiet }), 'reading');
    line.update({ files: 1, bytes: 1 });
    line.end();
    expect(stderr.text).toBe('');
  }
});
