/** A tree node as a line for people and as a record for tools. */
import { type ContentPart, NodeType, type TreeNode } from '@keephold/engine';
import { pathFields } from '../terminal/output.ts';
import { printable } from '../terminal/printable.ts';
import { exactTime, formatTime } from '../terminal/units.ts';

const typeNames: Readonly<Record<number, string>> = {
  [NodeType.file]: 'file',
  [NodeType.directory]: 'directory',
  [NodeType.symlink]: 'symlink',
  [NodeType.fifo]: 'fifo',
  [NodeType.charDevice]: 'character-device',
  [NodeType.blockDevice]: 'block-device',
  [NodeType.socket]: 'socket',
};

export function typeName(type: TreeNode['type']): string {
  return typeNames[type] ?? 'unknown';
}

const typeLetters: Readonly<Record<number, string>> = { 0: '-', 1: 'd', 2: 'l', 3: 'p', 4: 'c', 5: 'b', 6: 's' };

/** drwxr-xr-x, with set-id and sticky bits as ls writes them. */
export function modeText({ type, mode }: Pick<TreeNode, 'type' | 'mode'>): string {
  const letters = [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-'));
  const special = [
    { bit: 0o4000, at: 2, letter: 's' },
    { bit: 0o2000, at: 5, letter: 's' },
    { bit: 0o1000, at: 8, letter: 't' },
  ];
  for (const { bit, at, letter } of special) {
    if (mode & bit) letters[at] = letters[at] === 'x' ? letter : letter.toUpperCase();
  }
  return (typeLetters[type] ?? '?') + letters.join('');
}

/** What stands before the path in a long listing; the path follows after two spaces. */
export function longPrefix(node: TreeNode): string {
  const owner = `${ownerText(node.user, node.uid)} ${ownerText(node.group, node.gid)}`;
  const size = node.device === undefined ? String(node.size ?? 0) : node.device.join(',');
  return `${modeText(node)}  ${owner.padEnd(16)}  ${size.padStart(13)}  ${formatTime(node.mtime)}  `;
}

function ownerText(name: Uint8Array | undefined, id: number): string {
  return name === undefined || name.length === 0 ? String(id) : printable(name);
}

/** Where a link points, as it follows the path in a long listing. */
export function linkText({ linkTarget }: TreeNode): string {
  return linkTarget === undefined ? '' : ` -> ${printable(linkTarget)}`;
}

/** Everything a tool may want to know of an entry; times exact, mode octal as chmod takes it. */
export function nodeFields(node: TreeNode): Readonly<Record<string, unknown>> {
  return {
    kind: typeName(node.type),
    mode: node.mode.toString(8).padStart(4, '0'),
    uid: node.uid,
    gid: node.gid,
    ...(node.user && pathFields(node.user, 'user')),
    ...(node.group && pathFields(node.group, 'group')),
    mtime: exactTime(node.mtime),
    ...(node.ctime !== undefined && { ctime: exactTime(node.ctime) }),
    ...(node.btime !== undefined && { btime: exactTime(node.btime) }),
    ...(node.type === NodeType.file && { size: node.size ?? 0 }),
    ...(node.linkTarget && pathFields(node.linkTarget, 'linkTarget')),
    ...(node.device && { device: node.device }),
    ...(node.note !== undefined && { note: node.note }),
  };
}

/** Equal texts for equal content, whatever its form; '' for what has none. */
export function contentKey({ content }: TreeNode): string {
  if (content === undefined) return '';
  if (content instanceof Uint8Array) return hex(content);
  return (content as readonly ContentPart[]).map(({ blob }) => hex(blob)).join();
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** A snapshot's path as an absolute one; its root is '/'. */
export function withSlash(path: Uint8Array): Uint8Array {
  if (path[0] === 0x2f) return path;
  const absolute = new Uint8Array(path.length + 1);
  absolute[0] = 0x2f;
  absolute.set(path, 1);
  return absolute;
}

/** A path of a snapshot in a JSON record. */
export function pathRecord(path: Uint8Array): Readonly<Record<string, string>> {
  return pathFields(withSlash(path));
}

/** The path of an entry within a directory; either side may be the root. */
export function joinPath(folder: Uint8Array, name: Uint8Array): Uint8Array {
  if (folder.length === 0) return name;
  if (name.length === 0) return folder;
  const path = new Uint8Array(folder.length + 1 + name.length);
  path.set(folder);
  path[folder.length] = 0x2f;
  path.set(name, folder.length + 1);
  return path;
}
