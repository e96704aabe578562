import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changeVersionedFile, readVersionedFile } from './versioned-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-versioned-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const file = () => ({ folder, name: 'device' });

test('the newest version counts, and nothing is left of the others', () => {
  expect(readVersionedFile(file())).toBeUndefined();
  changeVersionedFile(file(), (before) => {
    expect(before).toBeUndefined();
    return bytes('one');
  });
  changeVersionedFile(file(), (before) => {
    expect(before).toEqual(bytes('one'));
    return bytes('two');
  });
  expect(readVersionedFile(file())).toEqual(bytes('two'));
  expect(readFileSync(join(folder, 'device.1'), 'utf8')).toBe('');
  for (let version = 3; version < 100; version++) changeVersionedFile(file(), () => bytes(`${version}`));
  expect(readVersionedFile(file())).toEqual(bytes('99'));
  expect(readdirSync(folder).length).toBeLessThan(20);
});

test('a change that answers nothing changes nothing', () => {
  changeVersionedFile(file(), () => bytes('one'));
  changeVersionedFile(file(), () => undefined);
  expect(readdirSync(folder)).toEqual(['device.1']);
});

test('a change is made again when another was first', () => {
  changeVersionedFile(file(), () => bytes('0'));
  const seen: string[] = [];
  changeVersionedFile(file(), (before) => {
    seen.push(Buffer.from(before ?? []).toString());
    if (seen.length === 1) changeVersionedFile(file(), () => bytes('other'));
    return bytes('mine');
  });
  expect(seen).toEqual(['0', 'other']);
  expect(readVersionedFile(file())).toEqual(bytes('mine'));
});

test('a name that came and went does not bring an old state back', () => {
  changeVersionedFile(file(), () => bytes('0'));
  const seen: string[] = [];
  changeVersionedFile(file(), (before) => {
    seen.push(Buffer.from(before ?? []).toString());
    // While this one sleeps, so many come that its next name is free again.
    if (seen.length === 1) for (let n = 1; n <= 40; n++) changeVersionedFile(file(), () => bytes(`${n}`));
    return bytes(`after ${seen.at(-1)}`);
  });
  expect(seen).toEqual(['0', '40']);
  expect(readVersionedFile(file())).toEqual(bytes('after 40'));
});

test('files of other names do not count', () => {
  for (const name of ['device.x', 'device.01', 'devices.9', 'device', '.new-1']) writeFileSync(join(folder, name), 'x');
  expect(readVersionedFile(file())).toBeUndefined();
});

test('no change of several processes is lost', async () => {
  const program = `
    import { changeVersionedFile } from ${JSON.stringify(join(import.meta.dirname, 'versioned-file.ts'))};
    for (let i = 0; i < 40; i++) {
      changeVersionedFile({ folder: ${JSON.stringify(folder)}, name: 'device' }, (before) =>
        Buffer.from(String(Number(Buffer.from(before ?? []).toString()) + 1)));
    }`;
  const run = () =>
    new Promise((resolve) => {
      spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' }).on('exit', resolve);
    });
  expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
  expect(Buffer.from(readVersionedFile(file()) ?? []).toString()).toBe('120');
});
