import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemKeystore } from './keystore.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-keystore-'));
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const program = (name: string, script: string) => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
};
const linux = (hasSessionBus = true) => systemKeystore({ hasSessionBus, searchPath: folder }, 'linux');

describe.skipIf(process.platform === 'win32')('keystore', () => {
  test('there is none without a session bus or without the program', () => {
    expect(linux()).toBeUndefined();
    program('secret-tool', 'exit 0');
    expect(linux(false)).toBeUndefined();
    expect(linux()).toBeDefined();
    expect(systemKeystore({ hasSessionBus: true, searchPath: folder }, 'win32')).toBeUndefined();
  });

  test('a secret is stored through standard input and comes back', async () => {
    program(
      'secret-tool',
      `case "$1" in
        store) case "$*" in *s3cret*) exit 9;; esac; cat > ${folder}/kept;;
        lookup) cat ${folder}/kept;;
        clear) rm ${folder}/kept;;
      esac`,
    );
    const keystore = linux();
    expect(await keystore?.store('abc', 's3cret')).toBe(true);
    expect(await keystore?.load('abc')).toBe('s3cret');
    await keystore?.remove('abc');
    expect(await keystore?.load('abc')).toBeUndefined();
  });

  test('one that takes a secret but does not give it back counts as none', async () => {
    program('secret-tool', 'cat > /dev/null; exit 0');
    expect(await linux()?.store('abc', 's3cret')).toBe(false);
    program('secret-tool', 'exit 1');
    expect(await linux()?.store('abc', 's3cret')).toBe(false);
  });

  test('the keychain of macOS gets the secret as a command on standard input', async () => {
    program(
      'security',
      `case "$1" in -i) read command; echo "$command" > ${folder}/kept;; find-generic-password) sed 's/.* -w //' ${folder}/kept;; esac`,
    );
    const keystore = systemKeystore({ hasSessionBus: false, searchPath: folder }, 'darwin');
    expect(await keystore?.store('abc', '00ff')).toBe(true);
  });
});
