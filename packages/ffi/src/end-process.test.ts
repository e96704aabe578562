import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const library = new URL('./process.ts', import.meta.url).href;
const module_ = new URL('./end-process.ts', import.meta.url).href;

function run(calledIntoC: boolean): { readonly code: number | null; readonly output: string } {
  const script = `
    import { nativeLibrary } from '${library}';
    import { endProcess } from '${module_}';
    ${calledIntoC ? 'nativeLibrary();' : ''}
    process.once('exit', () => process.stdout.write('first,'));
    process.once('exit', () => endProcess(7));
    process.once('exit', () => process.stdout.write('taken apart'));
    process.exit(5);`;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  return { code: child.status, output: child.stdout };
}

it('ends the process there and then, with its code, and what was written before is there', () => {
  expect(run(true)).toEqual({ code: 7, output: 'first,' });
});

it('leaves the end to Node where nothing has called into C', () => {
  expect(run(false)).toEqual({ code: 5, output: 'first,taken apart' });
});
