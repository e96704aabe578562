import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Mount, mountOf, mountsBelow, parseMountinfo } from './mounts.ts';

const TEXT = `21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
22 21 0:20 / /proc rw - proc proc rw
30 21 0:40 /@home /home rw,relatime shared:5 master:2 - btrfs /dev/sda2 rw,subvolid=257,subvol=/@home
31 30 0:41 / /home/a\\040b\\134 rw - tmpfs tmpfs rw
32 21 0:42 / /mnt/x - y rw
broken
33 21 0:43 / /srv rw - xfs /dev/sdb rw
`;

function mount(id: number, parent: number, point: string): Mount {
  return { id, parent, point, kind: `kind${id}`, volume: '' };
}

describe('mounts', () => {
  it('are read as the kernel writes them, and lines that make no sense left out', () => {
    expect(parseMountinfo(TEXT)).toEqual([
      { id: 21, parent: 1, point: '', kind: 'ext4', volume: '254:0 /' },
      { id: 22, parent: 21, point: '/proc', kind: 'proc', volume: '0:20 /' },
      { id: 30, parent: 21, point: '/home', kind: 'btrfs', volume: '0:40 /@home' },
      { id: 31, parent: 30, point: '/home/a b\\', kind: 'tmpfs', volume: '0:41 /' },
      { id: 33, parent: 21, point: '/srv', kind: 'xfs', volume: '0:43 /' },
    ]);
  });

  it('never fail on any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseMountinfo(text)));
    const pieces = fc.constantFrom('1', ' ', '/', '-', '\\040', '\\9', 'a', '\n', ' - btrfs x ', '4294967296');
    fc.assert(fc.property(fc.array(pieces), (parts) => void parseMountinfo(parts.join(''))));
  });

  it('are found for paths in them, also with names that begin alike', () => {
    const mounts = parseMountinfo(TEXT);
    expect(mountOf(mounts, '/home/ann/x')?.id).toBe(30);
    expect(mountOf(mounts, '/home')?.id).toBe(30);
    expect(mountOf(mounts, '/homes')?.id).toBe(21);
    expect(mountOf(mounts, '')?.id).toBe(21);
    expect(mountsBelow(mounts, '/home').map(({ id }) => id)).toEqual([31]);
    expect(mountsBelow(mounts, '').map(({ id }) => id)).toEqual([22, 30, 31, 33]);
    expect(mountOf([], '/x')).toBeUndefined();
  });

  it('that are hidden by others are not seen', () => {
    const mounts = [mount(1, 0, ''), mount(2, 1, '/a'), mount(3, 2, '/a/b'), mount(4, 2, '/a'), mount(5, 4, '/a/c')];
    expect(mountOf(mounts, '/a/b/x')?.id).toBe(4);
    expect(mountOf(mounts, '/a/c')?.id).toBe(5);
    expect(mountsBelow(mounts, '').map(({ id }) => id)).toEqual([4, 5]);
  });

  it('are what a kernel would see that mounts one after the other', () => {
    const point = fc
      .array(fc.constantFrom('a', 'b'), { maxLength: 3 })
      .map((names) => names.map((name) => `/${name}`).join(''));
    fc.assert(
      fc.property(fc.array(point, { maxLength: 8 }), point, (points, path) => {
        const mounts: Mount[] = [mount(1, 0, '')];
        // Each new mount lies on what its point is seen through at that moment, and hides all below the point.
        let seen = [...mounts];
        for (const [i, where] of points.entries()) {
          const under = longest(seen, where);
          const added = mount(i + 2, under.id, where);
          mounts.push(added);
          seen = [...seen.filter((one) => one.point !== where && !one.point.startsWith(`${where}/`)), added];
        }
        expect(mountOf(mounts, path)?.id).toBe(longest(seen, path).id);
        const below = seen.filter((one) => one.point.startsWith(`${path}/`)).map(({ id }) => id);
        expect(new Set(mountsBelow(mounts, path).map(({ id }) => id))).toEqual(new Set(below));
      }),
    );
  });
});

function longest(seen: readonly Mount[], path: string): Mount {
  const around = seen.filter(({ point }) => path === point || path.startsWith(`${point}/`));
  return around.reduce((best, one) => (one.point.length > best.point.length ? one : best));
}
