import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOwnerNames } from './owner-names.ts';

const text = (name: Uint8Array | undefined) => (name === undefined ? undefined : Buffer.from(name).toString('latin1'));

function withFiles(check: (files: { readonly passwdFile: string; readonly groupFile: string }) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'kh-owners-'));
  const files = { passwdFile: join(folder, 'passwd'), groupFile: join(folder, 'group') };
  writeFileSync(
    files.passwdFile,
    Buffer.from(
      'root:x:0:0::/:/bin/sh\n+ldap::77::\n# c\nmax:x:1000:5::\nmoritz:x:1000:5::\nbroken\n\xfcml:x:1001:',
      'latin1',
    ),
  );
  writeFileSync(files.groupFile, 'staff:x:5:max\nstaff:x:6:\nwheel:x:-1:\n');
  check(files);
  rmSync(folder, { recursive: true });
}

describe('names of owners', () => {
  it('reads the account files, the first line wins, names are bytes', () => {
    withFiles((files) => {
      const names = createOwnerNames({ ...files, accounts: undefined });
      expect([0, 1000, 1001, 77].map((uid) => text(names.userName(uid)))).toEqual(['root', 'max', '\xfcml', undefined]);
      expect(names.userId(Buffer.from('moritz'))).toBe(1000);
      expect(names.userId(Uint8Array.of(0xfc, 0x6d, 0x6c))).toBe(1001);
      expect(names.groupId(Buffer.from('staff'))).toBe(5);
      expect(text(names.groupName(6))).toBe('staff');
      expect(names.groupId(Buffer.from('wheel'))).toBeUndefined();
    });
  });

  it('asks the directory services once for what the files do not know', () => {
    withFiles((files) => {
      const asked: string[] = [];
      const names = createOwnerNames({
        ...files,
        accounts: {
          userName: (uid) => (asked.push(`user ${uid}`), uid === 5000 ? Buffer.from('ldap') : undefined),
          groupName: (gid) => (asked.push(`group ${gid}`), undefined),
          userId: (name) => (asked.push(`user ${text(name)}`), 5000),
          groupId: (name) => (asked.push(`group ${text(name)}`), undefined),
        },
      });
      for (let i = 0; i < 3; i++) {
        expect(text(names.userName(5000))).toBe('ldap');
        expect(names.userName(5001)).toBeUndefined();
        expect(names.groupName(7)).toBeUndefined();
        expect(names.userId(Buffer.from('ldap'))).toBe(5000);
        expect(names.groupId(Buffer.from('none'))).toBeUndefined();
        expect(text(names.userName(1000))).toBe('max');
        expect(names.userId(Buffer.from('a\0b'))).toBeUndefined();
      }
      expect(asked).toEqual(['user 5000', 'user 5001', 'group 7', 'user ldap', 'group none']);
    });
  });

  it('does without account files', () => {
    const names = createOwnerNames({ passwdFile: '/no/where', groupFile: '/no/where', accounts: undefined });
    expect(names.userName(0)).toBeUndefined();
  });
});
