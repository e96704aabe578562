/**
 * What is left on the disk when everything stops after some operations: of a program that is killed, all of them; of a
 * machine that loses power, those that were made durable, and of the others what chance would have it.
 *
 * The rules are the strictest that POSIX allows: contents and size of a file last once it was synced, a name once its
 * folder was, whatever their order. A write that was not synced may be there in part, or as zeros.
 */
import type { DiskImage } from './disk-image.ts';
import { type Change, type FileOperation, isChange } from './file-operation.ts';
import type { SeededRandom } from './seeded-random.ts';

export type Crash =
  /** After `at` operations; `half`: and half of the next, which is a write. */
  | { readonly kind: 'kill'; readonly at: number; readonly half: boolean }
  | { readonly kind: 'power-loss'; readonly at: number; readonly keeps: Keeping };

/** What is kept of what was not synced. */
export type Keeping =
  /** Nothing. */
  | 'nothing'
  /** Names, sizes, modes and times, but zeros for contents: what a journal of metadata alone leaves. */
  | 'names'
  /** Each by chance, writes in blocks of 512 or 4,096 bytes. */
  | 'some';

export function imageAfter(
  before: DiskImage,
  operations: readonly FileOperation[],
  crash: Crash,
  random: SeededRandom,
): DiskImage {
  const image = before.copy();
  const done = operations.slice(0, crash.at);
  if (crash.kind === 'kill') {
    for (const operation of done) if (isChange(operation)) image.apply(operation);
    const next = operations[crash.at];
    if (crash.half && next?.kind === 'write') image.apply(firstHalf(next));
    return image;
  }
  const durable = durableOf(done);
  for (const [index, operation] of done.entries()) {
    if (!isChange(operation)) continue;
    if (operation.kind === 'make') image.nodes.set(operation.inode, madeNode(operation));
    if (durable[index] === true) image.apply(operation);
    else keepPart(image, operation, crash.keeps, random);
  }
  return image;
}

export function reportedBefore(operations: readonly FileOperation[], at: number): string {
  return operations
    .slice(0, at)
    .map((operation) => (operation.kind === 'print' ? operation.text : ''))
    .join('');
}

function firstHalf(write: Extract<Change, { kind: 'write' }>): Change {
  return { ...write, bytes: write.bytes.subarray(0, write.bytes.length >> 1) };
}

/** For each operation whether a sync of what it changed followed. */
function durableOf(operations: readonly FileOperation[]): readonly boolean[] {
  const durable = operations.map(() => false);
  for (const [index, operation] of operations.entries()) {
    if (operation.kind !== 'sync') continue;
    for (let earlier = 0; earlier < Math.min(operation.since, index); earlier++) {
      const change = operations[earlier];
      if (change === undefined || !isChange(change)) continue;
      if (operation.inode === 'all' || places(change).includes(operation.inode)) durable[earlier] = true;
    }
  }
  return durable;
}

/** A sync of any of these makes the change durable: a name belongs to its folder, all else to the file. */
function places(change: Change): readonly number[] {
  switch (change.kind) {
    case 'make':
    case 'enter':
    case 'leave':
      return [change.at.folder];
    case 'move':
      // Both names or none: a file is never in two places, nor lost between them.
      return [change.from.folder, change.to.folder];
    case 'write':
    case 'resize':
    case 'mode':
    case 'time':
    case 'attribute':
      return [change.inode];
  }
}

function madeNode(change: Extract<Change, { kind: 'make' }>): ReturnType<DiskImage['node']> {
  return {
    made: change.made,
    mode: change.mode,
    modified: undefined,
    data: Buffer.from(change.target ?? '', 'latin1'),
    isShared: false,
    entries: new Map(),
    attributes: new Map(),
  };
}

function keepPart(image: DiskImage, change: Change, keeps: Keeping, random: SeededRandom): void {
  if (keeps === 'nothing') return;
  const isContent = change.kind === 'write' || change.kind === 'resize';
  if (keeps === 'names') return isContent ? keepSize(image, change) : enter(image, change);
  if (change.kind === 'write') return keepBlocks(image, change, random);
  if (random.below(2) === 0) enter(image, change);
}

/** Files are there by now, whatever their names. */
function enter(image: DiskImage, change: Change): void {
  if (change.kind === 'make') image.apply({ kind: 'enter', inode: change.inode, at: change.at });
  else image.apply(change);
}

function keepSize(image: DiskImage, change: Extract<Change, { kind: 'write' | 'resize' }>): void {
  const { inode } = change;
  const size = change.kind === 'write' ? change.offset + change.bytes.length : change.size;
  if (change.kind === 'resize' || size > image.node(inode).data.length) image.apply({ kind: 'resize', inode, size });
}

function keepBlocks(image: DiskImage, write: Extract<Change, { kind: 'write' }>, random: SeededRandom): void {
  const block = random.below(2) === 0 ? 512 : 4096;
  const { inode, bytes, offset } = write;
  for (let at = 0; at < bytes.length; ) {
    // Blocks of the file, not of the write.
    const length = Math.min(bytes.length - at, block - ((offset + at) % block));
    if (random.below(2) === 0)
      image.apply({ kind: 'write', inode, offset: offset + at, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
}
