import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cString, libc } from '@keephold/ffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createXattrReader, type XattrReader } from './xattrs.ts';

const calls = libc();
const hasAcl = spawnSync('setfacl', ['--version']).status === 0;

describe.skipIf(calls === undefined)('reading of extended attributes', () => {
  const reader = createXattrReader() as XattrReader;
  let folder = '';
  const raw = (name: string) => Buffer.from(join(folder, name));
  const set = (name: string, attribute: Uint8Array, value: Uint8Array) =>
    calls?.lsetxattr(cString(raw(name)), cString(attribute), value);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kh-xattr-'));
    writeFileSync(raw('f'), '');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('answers none for most entries, /proc and what has no attributes', () => {
    expect(reader.read(raw('f'))).toEqual({ xattrs: [], problems: [] });
    expect(reader.read(Buffer.from('/proc/self/status'))).toEqual({ xattrs: [], problems: [] });
  });

  it('reads names and values of any bytes, empty and long ones', () => {
    const odd = Buffer.from('user.\xff\n=', 'latin1');
    const long = Buffer.alloc(3500, 'z');
    expect([set('f', odd, new Uint8Array(0)), set('f', Buffer.from('user.long'), long)]).toEqual([0, 0]);
    const byPath = reader.read(raw('f'));
    const fd = openSync(raw('f'), 'r');
    const dir = openSync(folder, 'r');
    expect(reader.readOpen(fd)).toEqual(byPath);
    expect(reader.readAt(dir, Buffer.from('f'))).toEqual(byPath);
    closeSync(fd);
    closeSync(dir);
    const seen = byPath.xattrs.map(({ name, value }) => `${Buffer.from(name).toString('latin1')} ${value.length}`);
    expect(seen.sort()).toEqual(['user.long 3500', `${odd.toString('latin1')} 0`]);
    expect(byPath.problems).toEqual([]);
  });

  it('does not read what a link points to', () => {
    set('f', Buffer.from('user.x'), Buffer.from('y'));
    symlinkSync('f', raw('l'));
    expect(reader.read(raw('l')).xattrs).toEqual([]);
  });

  it.skipIf(!hasAcl)('reads ACLs, the default one too (needs acl)', () => {
    mkdirSync(raw('d'));
    execFileSync('setfacl', ['-m', 'u:1234:rx,d:u:1234:rwx', raw('d').toString()]);
    const names = reader.read(raw('d')).xattrs.map(({ name }) => Buffer.from(name).toString());
    expect(names.sort()).toEqual(['system.posix_acl_access', 'system.posix_acl_default']);
  });

  it('reports what cannot be read', () => {
    expect(reader.read(raw('missing'))).toEqual({ xattrs: [], problems: ['extended attributes: ENOENT'] });
  });
});
