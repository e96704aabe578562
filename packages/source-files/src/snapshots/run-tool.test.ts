import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findTool, runTool } from './run-tool.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-tool-'));
afterAll(() => rmSync(folder, { recursive: true }));
const shell = (text: string, longestMs?: number) =>
  runTool({ program: '/bin/sh', args: ['-c', text], folder, ...(longestMs !== undefined && { longestMs }) });

it('gives a tool nothing of our environment, and its folder', async () => {
  process.env['KEEPHOLD_PASSWORD_OF_A_TEST'] = 'secret';
  const [place, ...variables] = (await shell('pwd; env')).trim().split('\n');
  delete process.env['KEEPHOLD_PASSWORD_OF_A_TEST'];
  expect(place).toBe(folder);
  const names = variables.map((line) => line.split('=')[0]!);
  const ofTheShell = new Set(['PWD', 'OLDPWD', 'SHLVL', '_']);
  expect(new Set(names.filter((name) => !ofTheShell.has(name)))).toEqual(new Set(['LC_ALL', 'PATH']));
});

it('fails with what the tool said last', async () => {
  await expect(shell('echo first >&2; echo "ERROR: not today" >&2; exit 3')).rejects.toThrow(/^not today$/);
  await expect(shell('exit 3')).rejects.toThrow('/bin/sh ended with 3');
  await expect(runTool({ program: join(folder, 'none'), args: [], folder })).rejects.toThrow('ENOENT');
});

it('keeps a bounded part of what a tool says, and lets it end', async () => {
  expect((await shell('head -c 3000000 /dev/zero')).length).toBe(16 * 1024);
});

it('gives up on a tool that does not end', async () => {
  await expect(shell('exec sleep 1000', 50)).rejects.toThrow('/bin/sh took longer than 0.05 s');
});

it('finds tools only where nobody but root can have put them', () => {
  const path = join(folder, 'btrfs');
  writeFileSync(path, '');
  chmodSync(path, 0o755);
  const isRoot = process.getuid?.() === 0;
  expect(findTool('btrfs', [folder])).toBe(isRoot ? path : undefined);
  chmodSync(path, 0o775);
  expect(findTool('btrfs', [folder])).toBeUndefined();
  chmodSync(path, 0o644);
  expect(findTool('btrfs', [folder])).toBeUndefined();
  expect(findTool('no-such-tool')).toBeUndefined();
});
