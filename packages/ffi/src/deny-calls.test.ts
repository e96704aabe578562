import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const isSupported = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

it.skipIf(!isSupported)('denies calls in every thread of the process, and leaves others alone', () => {
  const module = pathToFileURL(`${import.meta.dirname}/deny-calls.ts`).href;
  // Promises of node:fs run in threads that were started before.
  const code = `import { openSync, fchmodSync, fsyncSync } from 'node:fs'; import { open } from 'node:fs/promises';
    import { tmpdir } from 'node:os'; import { join } from 'node:path'; import { rmSync } from 'node:fs';
    const path = join(tmpdir(), 'keephold-deny-' + process.pid);
    const file = await open(path, 'w');
    await file.chmod(0o600);
    const { denyCalls } = await import(${JSON.stringify(module)});
    const told = [denyCalls(['fchown', 'fchmod'])];
    for (const act of [() => fchmodSync(file.fd, 0o644), () => file.chmod(0o644), () => file.chown(process.geteuid(), process.getegid())])
      try { await act(); told.push('done'); } catch (cause) { told.push(cause.code); }
    fsyncSync(file.fd);
    openSync(path, 'r');
    rmSync(path);
    console.log(JSON.stringify(told));`;
  const output = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  expect(JSON.parse(output)).toEqual([true, 'EPERM', 'EPERM', 'EPERM']);
});
