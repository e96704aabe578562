import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { NodeType, type RestoredMetadata, type Target } from '@keephold/engine';
import { libc } from '@keephold/ffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createXattrReader } from '../xattrs.ts';
import { bytes, metadata, testTarget, writeWhole } from './_target-conformance.ts';
import { createTarget } from './create-target.ts';

const isRoot = process.geteuid?.() === 0;
const hasAcl = spawnSync('setfacl', ['--version']).status === 0;

describe.skipIf(libc() === undefined)('on Linux', () => {
  testTarget('directory handles', (root) => createTarget({ root, privileged: isRoot, numericIds: false }));

  let root = '';
  let target: Target;
  const at = (path: string) => join(root, path);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'kh-native-'));
    target = createTarget({ root, privileged: isRoot, numericIds: true });
  });
  afterEach(() => {
    target.close();
    rmSync(root, { recursive: true });
  });

  const file = (name: string, changes: Partial<RestoredMetadata>, by: Target = target) => {
    const handle = by.createFile(bytes(name), 1, { replace: false });
    by.writeAt(handle, bytes('x'), 0);
    return by.finishFile(handle, metadata(changes));
  };
  const xattrsOf = (path: string) =>
    Object.fromEntries(
      (createXattrReader()?.read(bytes(at(path))).xattrs ?? []).map(({ name, value }) => [
        Buffer.from(name).toString(),
        Buffer.from(value).toString('latin1'),
      ]),
    );

  it('keeps times to the nanosecond, before 1970 too', () => {
    for (const mtime of [1_700_000_000_123_456_789n, -1n, 0n, -86_400_000_000_001n, 4_102_444_800_999_999_999n]) {
      expect(file(`t${mtime}`, { mtime })).toEqual([]);
      expect(lstatSync(at(`t${mtime}`), { bigint: true }).mtimeNs).toBe(mtime);
      target.makeSymlink(bytes(`l${mtime}`), bytes('x'), metadata({ mtime }));
      expect(lstatSync(at(`l${mtime}`), { bigint: true }).mtimeNs).toBe(mtime);
    }
  });

  it('reports times the file system cannot hold', () => {
    expect(file('future', { mtime: 2n ** 62n })).toMatchObject([]);
    const problems = file('never', { mtime: -(2n ** 62n) });
    expect(problems.map(({ what }) => what)).toEqual(['times']);
  });

  it('sets extended attributes of files, directories and, for root, links', () => {
    const long = Buffer.alloc(3000, 'v');
    const xattrs = [
      { name: bytes('user.a'), value: bytes('') },
      { name: Buffer.from('user.\xff\n', 'latin1'), value: long },
    ];
    target.makeDirectory(bytes('d'));
    expect(file('f', { xattrs })).toEqual([]);
    expect(target.applyMetadata(bytes('d'), metadata({ mode: 0o700, xattrs }))).toEqual([]);
    expect(xattrsOf('d')).toEqual({ 'user.a': '', [Buffer.from('user.\xff\n', 'latin1').toString()]: long.toString() });
    expect(xattrsOf('f')).toEqual(xattrsOf('d'));
    // Applied again with fewer, the rest goes.
    expect(
      target.applyMetadata(bytes('f'), metadata({ xattrs: [{ name: bytes('user.a'), value: bytes('2') }] })),
    ).toEqual([]);
    expect(xattrsOf('f')).toEqual({ 'user.a': '2' });
    expect(target.hasAttributes(bytes('f'))).toBe(true);
    expect(target.applyMetadata(bytes('f'), metadata())).toEqual([]);
    expect([xattrsOf('f'), target.hasAttributes(bytes('f'))]).toEqual([{}, false]);
    expect(target.applyMetadata(bytes('f'), metadata({ xattrs: xattrs.slice(0, 1) }))).toEqual([]);
    const refused = target.makeSymlink(
      bytes('l'),
      bytes('f'),
      metadata({ xattrs: [{ name: bytes('user.x'), value: bytes('1') }] }),
    );
    expect(refused).toMatchObject([{ what: 'xattr', reason: 'user.x: EPERM' }]);
    expect(xattrsOf('f')).toEqual({ 'user.a': '' });
  });

  it('reports attributes of other systems and names that are none', () => {
    const names = ['com.apple.quarantine', '', 'user.'.padEnd(300, 'x'), 'user.a\0b'];
    const problems = file('f', { xattrs: names.map((name) => ({ name: bytes(name), value: bytes('x') })) });
    expect(problems.map(({ what }) => what)).toEqual(['xattr', 'xattr', 'xattr', 'xattr']);
    expect(problems[0]?.reason).toBe('com.apple.quarantine: ENOTSUP');
  });

  it.skipIf(!hasAcl)('restores ACLs (needs acl), and lets none in by inheritance', () => {
    writeFileSync(at('with'), '');
    execFileSync('setfacl', ['-m', 'u:12345:rw,g:23456:r', at('with')]);
    const acl = createXattrReader()?.read(bytes(at('with'))).xattrs ?? [];
    expect(target.hasAttributes(bytes('with'))).toBe(true);
    expect(acl).toHaveLength(1);
    const { mode } = lstatSync(at('with'));
    expect(file('restored', { mode: mode & 0o7777, xattrs: acl })).toEqual([]);
    const show = (path: string) => execFileSync('getfacl', ['-cpn', at(path)], { encoding: 'utf8' });
    expect(show('restored')).toBe(show('with'));
    // A target directory that hands an ACL down must not open files to others than the snapshot says.
    target.makeDirectory(bytes('giving'));
    execFileSync('setfacl', ['-d', '-m', 'u:12345:rwx', at('giving')]);
    expect(file('giving/one', { mode: 0o600 })).toEqual([]);
    expect(file('giving/two', { mode: 0o600 })).toEqual([]);
    target.makeDirectory(bytes('giving/d'));
    expect(target.applyMetadata(bytes('giving/d'), metadata({ mode: 0o700 }))).toEqual([]);
    for (const path of ['giving/one', 'giving/two', 'giving/d']) expect(xattrsOf(path)).toEqual({});
  });

  it('makes FIFOs and sockets', () => {
    expect(target.makeSpecial(bytes('p'), { type: NodeType.fifo }, metadata({ mode: 0o642 }))).toEqual([]);
    expect(target.makeSpecial(bytes('s'), { type: NodeType.socket }, metadata({ mode: 0o600 }))).toEqual([]);
    expect(lstatSync(at('p')).isFIFO()).toBe(true);
    expect(lstatSync(at('p')).mode & 0o7777).toBe(0o642);
    expect(lstatSync(at('s')).isSocket()).toBe(true);
    expect(target.inspect(bytes('p'))?.type).toBe(NodeType.fifo);
    expect(() => target.makeSpecial(bytes('x'), { type: NodeType.file }, metadata())).toThrow(/type 0/);
  });

  it('works at a depth no path reaches, in more directories than stay open', () => {
    const names = Array.from({ length: 300 }, (_, i) => `${i}-${'d'.repeat(100)}`);
    for (let depth = 1; depth <= names.length; depth++) target.makeDirectory(bytes(names.slice(0, depth).join('/')));
    writeWhole(target, [...names, 'end'].join('/'), 'deep');
    target.makeHardLink(bytes('top'), bytes([...names, 'end'].join('/')));
    target.makeHardLink(bytes([...names.slice(0, 200), 'mid'].join('/')), bytes('top'));
    expect(readFileSync(at('top'), 'utf8')).toBe('deep');
    expect(lstatSync(at('top')).nlink).toBe(3);
    for (let depth = names.length; depth > 0; depth--) {
      expect(target.applyMetadata(bytes(names.slice(0, depth).join('/')), metadata({ mode: 0o750 }))).toEqual([]);
    }
    expect(target.list(bytes(names.join('/')))).toHaveLength(1);
    const handles = readdirSync('/proc/self/fd').length;
    target.remove(bytes(names[0] ?? ''));
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(handles);
    expect(readdirSync(root)).toEqual(['top']);
  });

  it('leaves no handle open', () => {
    const before = readdirSync('/proc/self/fd').length;
    const other = createTarget({ root, privileged: false, numericIds: false });
    for (let i = 0; i < 200; i++) {
      other.makeDirectory(bytes(`d${i}`));
      writeWhole(other, `d${i}/f`, 'x');
    }
    const open = Array.from({ length: 150 }, (_, i) => other.createFile(bytes(`d${i}/g`), 0, { replace: true }));
    for (const handle of open.slice(50)) other.finishFile(handle, metadata());
    other.close();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
    expect(readdirSync(at('d3'))).toEqual(['f']);
    expect(readdirSync(at('d149')).sort()).toEqual(['f', 'g']);
  });

  it('serves two threads on one root at once', async () => {
    const script = new URL('./_write-from-thread.ts', import.meta.url);
    const run = (thread: number) =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker(script, { workerData: { root, thread } });
        worker.on('error', reject);
        worker.on('exit', resolve);
      });
    expect(await Promise.all([run(0), run(1)])).toEqual([0, 0]);
    for (let i = 0; i < 200; i++) {
      expect(readdirSync(at(`d${i}`)).sort()).toEqual(['0', '1', 'sub']);
      expect(readFileSync(at(`d${i}/0`), 'utf8')).toBe('thread 0');
    }
  });

  it('writes nothing outside while someone keeps exchanging a directory for a link', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'kh-outside-'));
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const attacker = new Worker(new URL('./_swap-directory.ts', import.meta.url), {
      workerData: { root, outside, stop },
    });
    const swaps = new Promise<number>((resolve, reject) => attacker.on('message', resolve).on('error', reject));
    const before = lstatSync(outside, { bigint: true });
    const finished = { restored: 0, refused: 0 };
    const attempt = (step: () => unknown) => {
      try {
        step();
        finished.restored++;
      } catch {
        finished.refused++;
      }
    };
    for (const end = performance.now() + 1500; performance.now() < end; ) {
      const fresh = createTarget({ root, privileged: isRoot, numericIds: true });
      for (let i = 0; i < 20; i++) {
        attempt(() => fresh.makeDirectory(bytes('d')));
        attempt(() => fresh.makeDirectory(bytes('d/e')));
        attempt(() => fresh.finishFile(fresh.createFile(bytes(`d/f${i}`), 0, { replace: i % 2 === 0 }), metadata()));
        attempt(() => fresh.makeSymlink(bytes(`d/l${i}`), bytes('x'), metadata()));
        attempt(() => fresh.applyMetadata(bytes('d'), metadata({ mode: 0o711 })));
        attempt(() => fresh.remove(bytes('d/e')));
      }
      fresh.close();
    }
    Atomics.store(stop, 0, 1);
    expect(await swaps).toBeGreaterThan(5);
    const after = lstatSync(outside, { bigint: true });
    expect(readdirSync(outside)).toEqual([]);
    expect([after.mode, after.mtimeNs, after.ctimeNs]).toEqual([before.mode, before.mtimeNs, before.ctimeNs]);
    expect(finished.restored).toBeGreaterThan(50);
    expect(finished.refused).toBeGreaterThan(5);
    rmSync(outside, { recursive: true });
  });

  describe.skipIf(!isRoot)('as root (needs root)', () => {
    it('restores owners, set-id bits, devices and attributes of the system when asked to', () => {
      const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
      const xattrs = [
        { name: bytes('security.capability'), value: capability },
        { name: bytes('trusted.x'), value: bytes('y') },
      ];
      expect(file('f', { uid: 12345, gid: 23456, mode: 0o6755, xattrs })).toEqual([]);
      const stat = lstatSync(at('f'));
      expect([stat.uid, stat.gid, stat.mode & 0o7777]).toEqual([12345, 23456, 0o6755]);
      expect(Object.keys(xattrsOf('f')).sort()).toEqual(['security.capability', 'trusted.x']);
      const device = { type: NodeType.charDevice, device: [0x123, 0x45678] } as const;
      expect(target.makeSpecial(bytes('c'), device, metadata({ mode: 0o660, gid: 5 }))).toEqual([]);
      expect(lstatSync(at('c')).isCharacterDevice()).toBe(true);
      expect(lstatSync(at('c')).gid).toBe(5);
      const odd = { type: NodeType.blockDevice, device: [0x1000, 0] } as const;
      expect(() => target.makeSpecial(bytes('b'), odd, metadata())).toThrow(/EINVAL/);
      expect(target.makeSymlink(bytes('l'), bytes('f'), metadata({ uid: 7, gid: 8 }))).toEqual([]);
      expect([lstatSync(at('l')).uid, lstatSync(at('f')).uid]).toEqual([7, 12345]);
    });

    it('gives none of them without being asked to', () => {
      const plain = createTarget({ root, privileged: false, numericIds: true });
      const xattrs = [{ name: bytes('trusted.x'), value: bytes('y') }];
      const problems = file('f', { uid: 12345, gid: 23456, mode: 0o6755, xattrs }, plain);
      expect(problems.map(({ what }) => what)).toEqual(['owner', 'xattr', 'set-id']);
      const stat = lstatSync(at('f'));
      expect([stat.uid, stat.gid, stat.mode & 0o7777]).toEqual([0, process.getegid?.(), 0o755]);
      expect(xattrsOf('f')).toEqual({});
      const device = { type: NodeType.charDevice, device: [1, 3] } as const;
      expect(() => plain.makeSpecial(bytes('c'), device, metadata())).toThrow(/privileged/);
      expect(readdirSync(root)).toEqual(['f']);
      plain.close();
    });

    it('takes names before numbers, unless told otherwise', () => {
      const named = createTarget({ root, privileged: true, numericIds: false });
      const owner = { uid: 4242, gid: 4343, user: bytes('root'), group: bytes('no-such-group') };
      expect(file('by-name', owner, named)).toEqual([]);
      expect(file('by-number', owner)).toEqual([]);
      expect([lstatSync(at('by-name')).uid, lstatSync(at('by-name')).gid]).toEqual([0, 4343]);
      expect(lstatSync(at('by-number')).uid).toBe(4242);
      named.close();
    });

    it('refuses ids that mean something else to the kernel', () => {
      for (const uid of [0xffff_ffff, -1, 2 ** 33, 1.5]) {
        expect(file(`u${uid}`, { uid, mode: 0o4755 }).map(({ what }) => what)).toEqual(['owner', 'set-id']);
        expect(lstatSync(at(`u${uid}`)).mode & 0o7777).toBe(0o755);
      }
    });

    it('lets an ordinary user restore what is his and says what is not', () => {
      const home = mkdtempSync(join(tmpdir(), 'kh-user-'));
      chmodSync(home, 0o777);
      mkdirSync(join(home, 'in'), { mode: 0o777 });
      chmodSync(join(home, 'in'), 0o777);
      const script = fileURLToPath(new URL('./_restore-as-other-user.ts', import.meta.url));
      const args = ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning', script, join(home, 'in')];
      const run = spawnSync(process.execPath, args, { uid: 65534, gid: 65534, encoding: 'utf8', env: {} });
      rmSync(home, { recursive: true });
      expect(run.stderr).toBe('');
      const answer = JSON.parse(run.stdout) as Record<string, readonly { what: string }[] | string>;
      const whats = (key: string) => (answer[key] as readonly { what: string }[]).map(({ what }) => what);
      expect(whats('plain')).toEqual([]);
      expect(whats('owner')).toEqual(['owner']);
      expect(whats('setId')).toEqual(['set-id']);
      expect(whats('foreignSetId')).toEqual(['owner', 'set-id']);
      expect(whats('label')).toEqual(['xattr']);
      expect(whats('unreadable')).toEqual([]);
      expect(whats('unreadableAgain')).toEqual([]);
      expect(whats('directory')).toEqual([]);
      expect(whats('fifo')).toEqual([]);
      expect([answer['device'], answer['again'], answer['removed']]).toEqual(['not-permitted', 'none', 'none']);
      expect(answer['modes']).toEqual({
        plain: '644',
        'set-id': '755',
        'foreign-set-id': '755',
        unreadable: '0',
        fifo: '620',
      });
    });
  });
});
