/**
 * Run as another user: `node _restore-as-other-user.ts ROOT`. Restores things only root may restore, prints what came
 * back as JSON. A program of its own because a process cannot change its user in the middle of a test.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { NodeType } from '@keephold/engine';
import { createTarget } from './create-target.ts';

const root = process.argv[2] ?? '';
const bytes = (text: string) => Buffer.from(text);
const uid = process.geteuid?.() ?? 0;
const gid = process.getegid?.() ?? 0;
const base = { mode: 0o644, uid, gid, mtime: 1_600_000_000_123_456_789n };
const target = createTarget({ root, privileged: false, numericIds: false });

function file(name: string, changes: object) {
  const handle = target.createFile(bytes(name), 1, { replace: false });
  target.writeAt(handle, bytes('x'), 0);
  return target.finishFile(handle, { ...base, ...changes });
}

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

target.makeDirectory(new Uint8Array(0));
target.makeDirectory(bytes('closed'));
const out = {
  plain: file('plain', {}),
  owner: file('owner', { uid: 0, gid: 0 }),
  setId: file('set-id', { mode: 0o6755 }),
  foreignSetId: file('foreign-set-id', { uid: 0, gid: 0, mode: 0o6755 }),
  label: file('label', { xattrs: [{ name: bytes('security.test'), value: bytes('x') }] }),
  unreadable: file('unreadable', { mode: 0o000, xattrs: [{ name: bytes('user.kept'), value: bytes('x') }] }),
  unreadableAgain: target.applyMetadata(bytes('unreadable'), { ...base, mode: 0o000, mtime: 5n }),
  directory: target.applyMetadata(bytes('closed'), { ...base, mode: 0o2500 }),
  device: codeOf(() =>
    target.makeSpecial(bytes('device'), { type: NodeType.charDevice, device: [1, 3] }, { ...base, mode: 0o666 }),
  ),
  fifo: target.makeSpecial(bytes('fifo'), { type: NodeType.fifo }, { ...base, mode: 0o620 }),
  again: codeOf(() => {
    target.makeDirectory(bytes('closed'));
    file('closed/inside', {});
  }),
  removed: codeOf(() => target.remove(bytes('closed'))),
  modes: {} as Record<string, string>,
};
for (const name of ['plain', 'set-id', 'foreign-set-id', 'unreadable', 'fifo']) {
  out.modes[name] = (lstatSync(join(root, name)).mode & 0o7777).toString(8);
}
target.close();
process.stdout.write(JSON.stringify(out));
