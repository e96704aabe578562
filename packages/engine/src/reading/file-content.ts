/** The parts that a file's content is made of, checked against its size (format.md §6). */
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { ContentPart, TreeNode } from '../node-fields.ts';
import { BlobKind } from '../pack-contents.ts';
import { IdTable } from './id-table.ts';
import { type ListExpectation, listLeaves, type ReadBlob } from './list-reader.ts';

/** Lists of a file that are always allowed (64 TiB in pieces of 1 MiB), and repetitions of each one. */
const FREE_LISTS = 65_536;
const LIST_REPETITIONS = 1024;

/**
 * Parts that stand in the node itself; undefined when they have to be read from a list.
 * @throws DamagedError when they are not what the size says
 */
export function partsInNode({
  content,
  size = 0,
}: Pick<TreeNode, 'content' | 'size'>): readonly ContentPart[] | undefined {
  if (content === undefined) {
    if (size > 0) throw new DamagedError(`read content: none for a size of ${size}`);
    return [];
  }
  if (!isPartList(content)) return undefined;
  let sum = 0;
  for (const { length } of content) sum += length;
  if (sum !== size) throw new DamagedError(`read content: parts of ${sum} bytes for a size of ${size}`);
  return content;
}

/** Parts in order, up to 1,024 at a time; none for an empty file. Their lengths sum to the node's size. */
export async function* contentParts(
  read: ReadBlob,
  node: Pick<TreeNode, 'content' | 'size'>,
  { freeLists = FREE_LISTS }: { readonly freeLists?: number } = {},
): AsyncGenerator<readonly ContentPart[]> {
  const inNode = partsInNode(node);
  if (inNode !== undefined) {
    if (inNode.length > 0) yield inNode;
    return;
  }
  const expected: ListExpectation = { childKind: BlobKind.data, bytes: node.size ?? 0 };
  for await (const leaves of listLeaves(boundedReads(read, freeLists), node.content as BlobId, expected)) {
    yield leaves.map(({ blob, bytes }) => ({ blob, length: bytes }));
  }
}

/**
 * Lists may repeat, as in a file of zeros; nine levels of one list standing a thousand times in the next are no file.
 * @throws DamagedError, while they are read, for more lists than the longest files have
 */
function boundedReads(read: ReadBlob, freeLists: number): ReadBlob {
  const distinct = new IdTable();
  let reads = 0;
  return async (id) => {
    distinct.add(id);
    if (++reads > freeLists + LIST_REPETITIONS * distinct.size)
      throw new DamagedError(`read content: more than ${reads} lists, which are few ones over and over`);
    return await read(id);
  };
}

function isPartList(content: readonly ContentPart[] | BlobId): content is readonly ContentPart[] {
  return Array.isArray(content);
}
