import { expect, it } from 'vitest';
import { parseMountinfo } from '../snapshots/mounts.ts';
import { watchableRoots } from './watchable-roots.ts';

const mounts = parseMountinfo(`21 1 254:0 / / rw - ext4 /dev/root rw
30 21 0:40 /@home /home rw - btrfs /dev/sda2 rw
31 30 0:41 / /home/ann/remote rw - nfs4 server:/ rw
32 30 0:42 / /home/ann/phone rw - fuse.mtp phone rw
33 30 0:40 /@home/all /home/ann/bound rw - btrfs /dev/sda2 rw
`);

const look = (...roots: readonly string[]): ReturnType<typeof watchableRoots> =>
  watchableRoots(
    roots.map((root) => Buffer.from(root)),
    mounts,
  );

it('tells what is mounted below a root, of whatever kind', () => {
  const { isWatchable, mountedBelow } = look('/home/ann');
  expect(isWatchable).toBe(true);
  expect(mountedBelow.map((path) => Buffer.from(path).toString())).toEqual([
    '/home/ann/remote',
    '/home/ann/phone',
    '/home/ann/bound',
  ]);
});

it.each([
  ['over the network', ['/home', '/home/ann/remote']],
  ['that a program serves', ['/home/ann/phone/pictures']],
])('does not take files %s for watchable', (_, roots) => {
  expect(look(...roots).isWatchable).toBe(false);
});

it('takes nothing for watchable where the system does not tell', () => {
  expect(watchableRoots([Buffer.from('/home')], []).isWatchable).toBe(false);
});

it('has another fingerprint when something else is mounted', () => {
  const others = mounts.map((mount) => (mount.id === 30 ? { ...mount, volume: '0:40 /@yesterday' } : mount));
  const of = (some: typeof mounts): readonly string[] => watchableRoots([Buffer.from('/home/ann')], some).fingerprint;
  expect(of(others)).not.toEqual(of(mounts));
  expect(of(mounts.filter(({ id }) => id !== 33))).not.toEqual(of(mounts));
});
