/** The files in deploy/ speak of this command: every option they give is there, and systemd takes the unit. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serve } from '../../src/verbs/serve.ts';

const deploy = join(import.meta.dirname, '../../../../deploy');
const UNIT = 'systemd/keephold.service';
const DROP_IN = 'systemd/keephold.service.d/tls.conf';
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** Options of `keephold serve`, on lines that are no comments and no options of other programs. */
function optionsIn(file: string): readonly string[] {
  const text = readFileSync(join(deploy, file), 'utf8');
  const lines = text.split('\n').filter((line) => /keephold serve|"serve"|^ +- --/.test(line) && !line.startsWith('#'));
  return lines.flatMap((line) => [...line.matchAll(/--([a-z-]+)/g)].map(([, name = '']) => name));
}

it.each([UNIT, DROP_IN, 'container/Containerfile', 'compose/compose.yaml'])(
  '%s gives options that there are',
  (file) => {
    const given = optionsIn(file);
    expect(given.length).toBeGreaterThan(1);
    for (const name of given) expect(Object.keys(serve.options)).toContain(name);
  },
);

it('the container gets all that the bundle needs beside it', () => {
  const text = readFileSync(join(deploy, 'container/Containerfile'), 'utf8');
  const copied = [...text.matchAll(/^COPY --from=build \/src\/(\S+)/gm)].map(([, path = '']) => path);
  const workspace = join(deploy, '..');
  // What is not bundled, by the word of the bundler.
  const external = /external: \[([^\]]+)\]/.exec(readFileSync(join(workspace, 'tools/build.ts'), 'utf8'))?.[1] ?? '';
  expect(external).toContain("'koffi'");
  expect(copied).toEqual(expect.arrayContaining(['node_modules/koffi', 'node_modules/@koromix', 'apps/keephold/dist']));
  for (const path of copied)
    expect([path, path.endsWith('/dist') || existsSync(join(workspace, path))]).toEqual([path, true]);
});

it.runIf(hasSystemd)('systemd finds nothing wrong with the unit, with and without TLS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-unit-'));
  const here = (file: string): string =>
    readFileSync(join(deploy, file), 'utf8').replaceAll('/usr/local/bin/keephold', '/bin/true');
  await writeFile(join(folder, 'keephold.service'), here(UNIT));
  const verify = (): string => {
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, 'keephold.service')], {
      encoding: 'utf8',
    });
    return `${stdout}${stderr}`;
  };
  expect(verify()).toBe('');
  await mkdir(join(folder, 'keephold.service.d'));
  await writeFile(join(folder, 'keephold.service.d', 'tls.conf'), here(DROP_IN));
  expect(verify()).toBe('');
  // A number of ten; 20 here is 2.0.
  const strict = ['security', '--offline=true', '--threshold=20', join(folder, 'keephold.service')];
  execFileSync('systemd-analyze', strict, { stdio: 'pipe' });
  await rm(folder, { recursive: true, force: true });
});
