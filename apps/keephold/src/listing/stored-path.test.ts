import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError, NodeType, type Snapshot, type TreeNode } from '@keephold/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storedFolder, storedPath } from './stored-path.ts';

const snapshot = { seq: 3 } as Snapshot;
const own = { mode: 0o644, uid: 0, gid: 0, mtime: 0n };

/** A snapshot of paths, each a file, a folder (ends with a slash) or a link. */
function treeOf(entries: Readonly<Record<string, string | undefined>>) {
  const nodes = new Map<string, TreeNode>();
  for (const [path, target] of Object.entries(entries)) {
    const components = path.split('/').filter((part) => part !== '');
    for (let count = 0; count < components.length; count++) {
      const above = components.slice(0, count).join('/');
      nodes.set(above, { ...own, name: Buffer.from(components[count - 1] ?? ''), type: NodeType.directory });
    }
    const type = target !== undefined ? NodeType.symlink : path.endsWith('/') ? NodeType.directory : NodeType.file;
    const link = target === undefined ? {} : { linkTarget: Buffer.from(target) };
    nodes.set(components.join('/'), { ...own, name: Buffer.from(components.at(-1) ?? ''), type, ...link });
  }
  return {
    nodeAt: async (_: unknown, path: Uint8Array): Promise<TreeNode> => {
      const node = nodes.get(Buffer.from(path).toString());
      if (node === undefined) throw new EngineError('not-found', 'find path in snapshot #3: no such entry');
      return node;
    },
  };
}

const tree = treeOf({
  'data/home/me/file': undefined,
  'data/home/me/empty/': undefined,
  home: '/data/home',
  'srv/up': '../../../data',
  'srv/near': 'up/home/./me/',
  'data/to-file': 'home/me/file',
  'data/gone': '/elsewhere/x',
  'data/gone-below': 'home/none',
  round: 'about',
  about: '/round',
  itself: 'itself/x',
  nothing: '',
});

async function led(path: string, lastLink: 'follow' | 'follow-to-folder' | 'keep' = 'keep', from = tree) {
  return Buffer.from(await storedPath(from, { snapshot, path: Buffer.from(path), lastLink })).toString();
}

describe('a path in a snapshot', () => {
  it.each([
    ['data/home/me', 'data/home/me'],
    ['', ''],
    ['home/me/file', 'data/home/me/file'],
    ['srv/near/empty', 'data/home/me/empty'],
    // Nothing lies above the root.
    ['srv/up/home', 'data/home'],
    ['home', 'home'],
    ['srv/up/to-file', 'data/to-file'],
  ])('leads through links: %s', async (path, stored) => {
    expect(await led(path)).toBe(stored);
  });

  it('follows its end to a folder, to anything, or not', async () => {
    for (const [path, follow, toFolder] of [
      ['home', 'data/home', 'data/home'],
      ['srv/near', 'data/home/me', 'data/home/me'],
      ['home/../to-file', 'data/home/me/file', 'data/to-file'],
    ] as const) {
      expect(await led(path, 'follow'), path).toBe(follow);
      if (!path.includes('..')) expect(await led(path, 'follow-to-folder'), path).toBe(toFolder);
    }
    expect(await led('data/to-file', 'follow-to-folder')).toBe('data/to-file');
    expect(await led('data/gone', 'follow-to-folder')).toBe('data/gone');
    expect(await led('nothing', 'follow')).toBe('nothing');
  });

  it('goes in no circle', async () => {
    for (const path of ['round/x', 'itself/x', 'about/y/z'])
      await expect(led(path), path).rejects.toMatchObject({ code: 'too-many-links' });
    await expect(led('round', 'follow')).rejects.toMatchObject({ code: 'too-many-links' });
    expect(await led('round')).toBe('round');
  });

  it('follows forty links and no more', async () => {
    const chain = (length: number) =>
      treeOf({
        'end/file': undefined,
        ...Object.fromEntries(Array.from({ length }, (_, i) => [`l${i}`, i === 0 ? 'end' : `l${i - 1}`])),
      });
    expect(await led('l39/file', 'keep', chain(40))).toBe('end/file');
    await expect(led('l40/file', 'keep', chain(41))).rejects.toMatchObject({ code: 'too-many-links' });
  });

  it('says which link leads nowhere', async () => {
    await expect(led('data/gone/file')).rejects.toMatchObject({
      code: 'not-found',
      hint: '/data/gone is a link that leads to /elsewhere, which the snapshot does not have',
    });
    await expect(led('data/gone-below', 'follow')).rejects.toMatchObject({
      hint: expect.stringMatching(/leads to \/data\/home\/none/),
    });
    await expect(led('data/none')).rejects.toMatchObject({
      code: 'not-found',
      hint: expect.stringMatching(/keephold ls/),
    });
    await expect(led('data/home/me/file/below')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe.skipIf(process.platform === 'win32')('a path that leads through links of this system', () => {
  let base = '';
  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'keephold-links-')));
    mkdirSync(join(base, 'data/me'), { recursive: true });
    writeFileSync(join(base, 'data/me/here'), '');
    symlinkSync('data', join(base, 'home'));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  it('is not followed, but told', async () => {
    const from = treeOf({ [join(base, 'data/me/here')]: undefined, [join(base, 'data/me/deleted/x')]: undefined });
    const asked = (path: string) => led(join(base, path).slice(1), 'keep', from);
    for (const name of ['here', 'deleted/x', 'deleted'])
      await expect(asked(`home/me/${name}`)).rejects.toMatchObject({
        code: 'not-found',
        hint: `it is stored under the name it has without links: write ${join(base, 'data/me', name)} behind the colon`,
      });
    await expect(asked('home/me/never')).rejects.toMatchObject({ hint: expect.stringMatching(/keephold ls/) });
    expect(await storedFolder(from, [snapshot], join(base, 'home/me/*'))).toContain(`look for ${base}/data/me/…`);
    expect(await storedFolder(from, [snapshot], join(base, 'data/me/*'))).toBeUndefined();
    expect(await storedFolder(from, [snapshot], 'here')).toBeUndefined();
  });
});
