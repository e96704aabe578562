/** The parts that a file's content is made of, checked against its size (format.md §6). */
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { ContentPart, TreeNode } from '../node-fields.ts';
import { BlobKind } from '../pack-contents.ts';
import { type ListExpectation, listLeaves, type ReadBlob } from './list-reader.ts';

/** Parts in order, up to 1,024 at a time; none for an empty file. Their lengths sum to the node's size. */
export async function* contentParts(
  read: ReadBlob,
  node: Pick<TreeNode, 'content' | 'size'>,
): AsyncGenerator<readonly ContentPart[]> {
  const { content, size = 0 } = node;
  if (content === undefined) {
    if (size > 0) throw new DamagedError(`read content: none for a size of ${size}`);
    return;
  }
  if (isPartList(content)) {
    const sum = content.reduce((total, part) => total + part.length, 0);
    if (sum !== size) throw new DamagedError(`read content: parts of ${sum} bytes for a size of ${size}`);
    yield content;
    return;
  }
  const expected: ListExpectation = { childKind: BlobKind.data, bytes: size };
  for await (const leaves of listLeaves(read, content, expected)) {
    yield leaves.map(({ blob, bytes }) => ({ blob, length: bytes }));
  }
}

function isPartList(content: readonly ContentPart[] | BlobId): content is readonly ContentPart[] {
  return Array.isArray(content);
}
