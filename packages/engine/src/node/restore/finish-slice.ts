/** What comes after the content of a slice: links, special files, further names of hard-linked files. */
import { NodeType, type TreeNode } from '../../node-fields.ts';
import type { MetadataProblem, RestoredMetadata, Target } from '../../target.ts';
import type { Account } from './account.ts';
import { failureOf, type ItemFailure } from './item-failure.ts';
import type { PlannedHardLink, PlannedLink } from './restore-slice.ts';
import { looksIdentical, type Overwrite } from './target-directory.ts';

const DEVICE_REFUSALS = new Set(['not-permitted', 'unsupported', 'EPERM']);

export function makeLink(target: Target, account: Account, link: PlannedLink): ItemFailure | undefined {
  const { path, node, exists } = link;
  const { type } = node;
  try {
    if (exists) target.remove(path);
    const metadata = metadataOfNode(node, link.xattrs);
    const problems: readonly MetadataProblem[] =
      type === NodeType.symlink
        ? target.makeSymlink(path, node.linkTarget!, metadata)
        : target.makeSpecial(path, node, metadata);
    account.add({ path, type, outcome: 'restored', problems });
    return undefined;
  } catch (cause) {
    const failure = failureOf(cause);
    const refused = type !== NodeType.symlink && DEVICE_REFUSALS.has(failure.code);
    account.add({ path, type, outcome: refused ? 'skipped' : 'failed', reason: failure.reason });
    return failure;
  }
}

/**
 * Gives an entry one more name. Answers false when that cannot be done and it must be made once more: the first name
 * failed, or the file system has no such links.
 */
export function makeHardLink(
  target: Target,
  account: Account,
  {
    link,
    first,
    overwrite,
  }: { readonly link: PlannedHardLink; readonly first: Uint8Array | undefined; readonly overwrite: Overwrite },
): boolean {
  if (first === undefined) return false;
  const { path, node, exists } = link;
  const done = { path, type: node.type, bytes: node.size ?? 0 };
  try {
    const original = target.inspect(first);
    if (original === undefined) return false;
    if (exists) {
      const existing = target.inspect(path);
      if (existing?.inode === original.inode) {
        const identical = overwrite === 'if-changed' && looksIdentical(existing, node);
        account.add({ ...done, outcome: identical ? 'identical' : 'restored' });
        return true;
      }
      target.remove(path);
    }
    target.makeHardLink(path, first);
    account.add({ ...done, outcome: 'restored' });
    return true;
  } catch {
    // Whatever stands against it shows again, with its reason, when the content is written.
    return false;
  }
}

function metadataOfNode(node: TreeNode, xattrs: RestoredMetadata['xattrs']): RestoredMetadata {
  const { mode, uid, gid, user, group, mtime, flags } = node;
  return { mode, uid, gid, user, group, mtime, flags, xattrs };
}
