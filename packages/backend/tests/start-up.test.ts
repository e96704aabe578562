/** What every command loads, whether or not it has anything to do with a bucket. */
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

it('loads nothing of HTTP for those who keep their repository in a folder', () => {
  const index = pathToFileURL(`${import.meta.dirname}/../src/index.ts`).href;
  const program = `await import(${JSON.stringify(index)}); console.log(JSON.stringify(process.moduleLoadList))`;
  const flags = ['--conditions=@keephold/source', '--input-type=module', '--eval', program];
  const loaded = JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' })) as readonly string[];
  expect(loaded).toContain('NativeModule fs');
  expect(loaded.filter((name) => /http|undici|tls/.test(name))).toEqual([]);
});
