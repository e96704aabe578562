/** What every Target must do, whatever it is built on. Run it with a factory: one call, one target on this root. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeType, type RestoredMetadata, type Target } from '@keephold/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isTemporaryName } from './temporary-names.ts';

export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Metadata of an entry of this process, with some of it changed. */
export function metadata(changes: Partial<RestoredMetadata> = {}): RestoredMetadata {
  return {
    mode: 0o644,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    // Whole seconds: node:fs takes times as a double of seconds and keeps no more for sure.
    mtime: 1_600_000_000_000_000_000n,
    ...changes,
  };
}

export function writeWhole(target: Target, path: string | Uint8Array, content: string, meta = metadata()): void {
  const data = bytes(content);
  const handle = target.createFile(typeof path === 'string' ? bytes(path) : path, data.length, { replace: false });
  target.writeAt(handle, data, 0);
  expect(target.finishFile(handle, meta)).toEqual([]);
}

const caught = (call: () => unknown): { readonly code?: string } => {
  try {
    call();
  } catch (error) {
    return error as { code?: string };
  }
  return {};
};

export function testTarget(name: string, open: (root: string) => Target): void {
  describe(`${name} as a target`, () => {
    let base = '';
    let root = '';
    let outside = '';
    let target: Target;
    const at = (path: string) => join(root, path);

    beforeEach(() => {
      base = mkdtempSync(join(realpathSync(tmpdir()), 'kh-target-'));
      root = join(base, 'root');
      outside = join(base, 'outside');
      mkdirSync(outside);
      target = open(root);
      target.makeDirectory(new Uint8Array(0));
    });
    afterEach(() => {
      target.close();
      rmSync(base, { recursive: true });
    });

    it('makes the root, and directories only their owner can enter, more than once', () => {
      target.makeDirectory(bytes('a'));
      target.makeDirectory(bytes('a/b'));
      target.makeDirectory(bytes('a/b'));
      target.makeDirectory(new Uint8Array(0));
      expect(lstatSync(at('a/b')).mode & 0o777).toBe(0o700);
      expect(lstatSync(root).mode & 0o777).toBe(0o700);
      writeWhole(target, 'f', '');
      expect(caught(() => target.makeDirectory(bytes('f'))).code).toBe('EEXIST');
    });

    it('writes files out of order, mode and time last', () => {
      const handle = target.createFile(bytes('f'), 10, { replace: false });
      target.writeAt(handle, bytes('world'), 5);
      target.writeAt(handle, bytes('hello'), 0);
      expect(target.finishFile(handle, metadata({ mode: 0o405 }))).toEqual([]);
      expect(readFileSync(at('f'), 'utf8')).toBe('helloworld');
      expect(lstatSync(at('f')).mode & 0o7777).toBe(0o405);
      expect(lstatSync(at('f'), { bigint: true }).mtimeNs).toBe(metadata().mtime);
      expect(target.inspect(bytes('f'))).toMatchObject({
        type: NodeType.file,
        size: 10,
        mtime: metadata().mtime,
        mode: 0o405,
        inode: lstatSync(at('f'), { bigint: true }).ino,
      });
    });

    it('shows a file under its name only when it is whole', () => {
      for (const replace of [false, true]) {
        const handle = target.createFile(bytes('f'), 6, { replace });
        target.writeAt(handle, bytes('abc'), 0);
        expect(readdirSync(root).filter((name) => !isTemporaryName(bytes(name)))).toEqual(replace ? ['f'] : []);
        target.writeAt(handle, bytes('def'), 3);
        target.finishFile(handle, metadata());
        expect(readdirSync(root)).toEqual(['f']);
      }
      target.sync();
    });

    it('takes no place that was taken meanwhile', () => {
      const handle = target.createFile(bytes('f'), 3, { replace: false });
      target.writeAt(handle, bytes('new'), 0);
      writeFileSync(at('f'), 'somebody else');
      expect(caught(() => target.finishFile(handle, metadata())).code).toBe('EEXIST');
      expect(readFileSync(at('f'), 'utf8')).toBe('somebody else');
      expect(readdirSync(root)).toEqual(['f']);
    });

    it('leaves what is not written a hole, at the end too', () => {
      const size = 64 << 20;
      const handle = target.createFile(bytes('sparse'), size, { replace: false });
      target.writeAt(handle, bytes('x'), 1 << 20);
      target.finishFile(handle, metadata());
      const stat = lstatSync(at('sparse'));
      expect(stat.size).toBe(size);
      expect(stat.blocks).toBeLessThan(256);
    });

    it('makes empty files and refuses to write outside the announced size', () => {
      const handle = target.createFile(bytes('e'), 0, { replace: false });
      expect(caught(() => target.writeAt(handle, bytes('x'), 0)).code).toBe('bad-handle');
      expect(caught(() => target.writeAt(handle, bytes(''), -1)).code).toBe('bad-handle');
      expect(target.finishFile(handle, metadata())).toEqual([]);
      expect(lstatSync(at('e')).size).toBe(0);
      expect(caught(() => target.finishFile(handle, metadata())).code).toBe('bad-handle');
    });

    it('does not overwrite unless told to, and then only at the end', () => {
      writeWhole(target, 'f', 'old');
      expect(caught(() => target.createFile(bytes('f'), 3, { replace: false })).code).toBe('EEXIST');
      const handle = target.createFile(bytes('f'), 3, { replace: true });
      target.writeAt(handle, bytes('new'), 0);
      expect(readFileSync(at('f'), 'utf8')).toBe('old');
      const meanwhile = target.list(new Uint8Array(0)).filter((name) => isTemporaryName(name));
      expect(meanwhile).toHaveLength(1);
      target.finishFile(handle, metadata());
      expect(readFileSync(at('f'), 'utf8')).toBe('new');
      expect(readdirSync(root)).toEqual(['f']);
    });

    it('replaces a link itself, not what it points to', () => {
      writeFileSync(join(outside, 'victim'), 'untouched');
      symlinkSync(join(outside, 'victim'), at('f'));
      expect(caught(() => target.createFile(bytes('f'), 1, { replace: false })).code).toBe('EEXIST');
      const handle = target.createFile(bytes('f'), 1, { replace: true });
      target.writeAt(handle, bytes('x'), 0);
      target.finishFile(handle, metadata());
      expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
      expect(lstatSync(at('f')).isFile()).toBe(true);
    });

    it('removes what it abandons, on request and at the end', () => {
      target.abandonFile(target.createFile(bytes('a'), 5, { replace: false }));
      target.createFile(bytes('b'), 5, { replace: false });
      writeWhole(target, 'c', 'kept');
      target.createFile(bytes('c'), 5, { replace: true });
      target.close();
      expect(readdirSync(root)).toEqual(['c']);
      expect(readFileSync(at('c'), 'utf8')).toBe('kept');
    });

    it('makes links and hard links', () => {
      writeWhole(target, 'f', 'content');
      target.makeDirectory(bytes('d'));
      target.makeHardLink(bytes('d/g'), bytes('f'));
      expect(target.makeSymlink(bytes('d/l'), bytes('../nowhere'), metadata({ mode: 0o777 }))).toEqual([]);
      expect(lstatSync(at('d/g')).ino).toBe(lstatSync(at('f')).ino);
      expect(readlinkSync(at('d/l'))).toBe('../nowhere');
      expect(lstatSync(at('d/l'), { bigint: true }).mtimeNs).toBe(metadata().mtime);
      expect(caught(() => target.makeSymlink(bytes('f'), bytes('x'), metadata())).code).toBe('EEXIST');
      expect(caught(() => target.makeHardLink(bytes('f'), bytes('d/g'))).code).toBe('EEXIST');
    });

    it('never changes what a link points to', () => {
      writeFileSync(join(outside, 'victim'), 'untouched', { mode: 0o600 });
      const before = lstatSync(join(outside, 'victim'), { bigint: true });
      target.makeSymlink(bytes('l'), bytes(join(outside, 'victim')), metadata({ mode: 0o777 }));
      target.applyMetadata(bytes('l'), metadata({ mode: 0o777 }));
      const after = lstatSync(join(outside, 'victim'), { bigint: true });
      expect([after.mode, after.mtimeNs, after.ctimeNs]).toEqual([before.mode, before.mtimeNs, before.ctimeNs]);
    });

    it('finishes directories after what is in them', () => {
      target.makeDirectory(bytes('d'));
      writeWhole(target, 'd/f', 'x');
      expect(target.applyMetadata(bytes('d'), metadata({ mode: 0o1755 }))).toEqual([]);
      expect(target.applyMetadata(new Uint8Array(0), metadata({ mode: 0o750 }))).toEqual([]);
      expect(lstatSync(at('d')).mode & 0o7777).toBe(0o1755);
      expect(lstatSync(at('d'), { bigint: true }).mtimeNs).toBe(metadata().mtime);
      expect(lstatSync(root).mode & 0o7777).toBe(0o750);
    });

    it('lists and removes, whole directories too, and follows no link meanwhile', () => {
      mkdirSync(join(outside, 'keep'));
      writeFileSync(join(outside, 'keep/f'), '');
      for (const path of ['d', 'd/e', 'd/e/f', 'd/g']) target.makeDirectory(bytes(path));
      writeWhole(target, 'd/e/f/x', '1');
      writeWhole(target, 'd/x', '1');
      symlinkSync(join(outside, 'keep'), at('d/e/link'));
      const names = target.list(bytes('d')).map((name) => Buffer.from(name).toString());
      expect(names.sort()).toEqual(['e', 'g', 'x']);
      target.remove(bytes('d/x'));
      target.remove(bytes('d'));
      expect(readdirSync(root)).toEqual([]);
      expect(readdirSync(join(outside, 'keep'))).toEqual(['f']);
      expect(caught(() => target.remove(bytes('d'))).code).toBe('ENOENT');
      target.makeDirectory(bytes('d'));
      writeWhole(target, 'd/again', '1');
      symlinkSync(outside, at('l'));
      target.remove(bytes('l'));
      expect(existsSync(outside)).toBe(true);
    });

    it('answers undefined for what is not there, through files and links too', () => {
      writeWhole(target, 'f', 'x');
      writeFileSync(join(outside, 'x'), '');
      symlinkSync(outside, at('l'));
      for (const path of ['n', 'n/n', 'f/x', 'l/x']) expect(target.inspect(bytes(path))).toBeUndefined();
      expect(target.inspect(bytes('l'))?.type).toBe(NodeType.symlink);
    });

    const hostile = ['', '.', '..', 'a/..', '../x', 'a/../x', '/x', 'a//x', 'a/', 'a/.', './a', 'a\0b', 'a/b\0', '/'];
    it('refuses paths that could leave the root', () => {
      const refuse = (path: string, call: () => unknown) => {
        expect([path, caught(call).code]).toEqual([path, 'unsafe-path']);
      };
      target.makeDirectory(bytes('a'));
      for (const path of hostile) {
        const raw = bytes(path);
        refuse(path, () => target.createFile(raw, 1, { replace: false }));
        refuse(path, () => target.createFile(raw, 1, { replace: true }));
        refuse(path, () => target.makeSymlink(raw, bytes('x'), metadata()));
        refuse(path, () => target.makeHardLink(raw, bytes('a')));
        refuse(path, () => target.remove(raw));
        refuse(path, () => target.inspect(raw));
        if (path !== '') refuse(path, () => target.makeDirectory(raw));
        if (path !== '') refuse(path, () => target.applyMetadata(raw, metadata()));
      }
      expect(readdirSync(outside)).toEqual([]);
      expect(readdirSync(base).sort()).toEqual(['outside', 'root']);
    });

    it('writes nothing through a directory that was replaced by a link', () => {
      target.makeDirectory(bytes('a'));
      target.makeDirectory(bytes('a/b'));
      writeWhole(target, 'a/b/first', '1');
      renameSync(at('a'), at('moved'));
      mkdirSync(join(outside, 'b'));
      symlinkSync(outside, at('a'));
      const calls = [
        () => target.finishFile(target.createFile(bytes('a/b/second'), 0, { replace: false }), metadata()),
        () => target.finishFile(target.createFile(bytes('a/b/third'), 0, { replace: true }), metadata()),
        () => target.makeDirectory(bytes('a/b/c')),
        () => target.makeSymlink(bytes('a/b/l'), bytes('x'), metadata()),
        () => target.makeHardLink(bytes('a/b/h'), bytes('moved/b/first')),
        () => target.makeDirectory(bytes('a/new')),
        () => target.remove(bytes('a/b')),
      ];
      for (const call of calls) caught(call);
      expect(readdirSync(outside)).toEqual(['b']);
      expect(readdirSync(join(outside, 'b'))).toEqual([]);
      const other = open(root);
      for (const call of [
        () => other.createFile(bytes('a/b/x'), 0, { replace: false }),
        () => other.createFile(bytes('a/x'), 0, { replace: true }),
        () => other.makeDirectory(bytes('a/x')),
        () => other.list(bytes('a/b')),
        () => other.list(bytes('a')),
        () => other.applyMetadata(bytes('a/b'), metadata()),
      ]) {
        expect(caught(call).code).toBe('link-in-path');
      }
      other.close();
      expect(readdirSync(outside)).toEqual(['b']);
    });

    it('notices a directory that was removed and made anew', () => {
      target.makeDirectory(bytes('a'));
      writeWhole(target, 'a/one', '1');
      rmSync(at('a'), { recursive: true });
      mkdirSync(at('a'));
      writeWhole(target, 'a/two', '2');
      expect(readdirSync(at('a'))).toEqual(['two']);
      rmSync(at('a'), { recursive: true });
      symlinkSync(outside, at('a'));
      expect(caught(() => target.createFile(bytes('a/three'), 0, { replace: false })).code).toBe('link-in-path');
      expect(readdirSync(outside)).toEqual([]);
    });

    it('keeps names of 255 bytes and refuses longer ones', () => {
      const long = 'n'.repeat(255);
      writeWhole(target, long, 'x');
      expect(target.inspect(bytes(long))?.size).toBe(1);
      expect(caught(() => target.createFile(bytes(`${long}n`), 0, { replace: false })).code).toBe('ENAMETOOLONG');
    });

    it('tells free bytes, before the root is there too', () => {
      expect(target.freeBytes()).toBeGreaterThan(0);
      const early = open(join(base, 'not/yet'));
      expect(early.freeBytes()).toBeGreaterThan(0);
      expect(early.inspect(bytes('x'))).toBeUndefined();
      early.close();
      expect(existsSync(join(base, 'not'))).toBe(false);
    });

    it.skipIf(process.platform === 'win32' || process.platform === 'darwin')('keeps names of any bytes', () => {
      const names = ['new\nline', 'tab\t', ' ', '*?[a]', '\\', '"', '\u00e9', 'e\u0301', '-rf', '~', 'con', 'a.'];
      const raw = [...names.map(bytes), Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xc3), Uint8Array.of(0x01, 0x7f)];
      for (const name of raw) writeWhole(target, name, 'x');
      const seen = readdirSync(root, { encoding: 'buffer' }).map((name) => name.toString('hex'));
      expect(seen.sort()).toEqual(raw.map((name) => Buffer.from(name).toString('hex')).sort());
      const listed = target.list(new Uint8Array(0)).map((name) => Buffer.from(name).toString('hex'));
      expect(listed.sort()).toEqual(seen.sort());
    });

    it('takes a directory of an earlier run that is closed to its owner', () => {
      target.makeDirectory(bytes('d'));
      chmodSync(at('d'), 0o500);
      target.makeDirectory(bytes('d'));
      writeWhole(target, 'd/f', 'x');
      expect(lstatSync(at('d')).mode & 0o700).toBe(0o700);
    });
  });
}
