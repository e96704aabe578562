/**
 * Draws a weighted sample of files while they are walked past, within a budget of bytes and files. Keeps no more than it
 * may take in the end, so that a snapshot of millions costs no memory.
 */

export interface SampleBudget {
  readonly bytes: number;
  readonly files: number;
}

interface Drawn<T> {
  readonly key: number;
  readonly size: number;
  readonly item: T;
}

export class Sample<T> {
  readonly #budget: SampleBudget;
  /** A heap with the largest key on top. */
  readonly #heap: Drawn<T>[] = [];
  #bytes = 0;
  /** Files that were met and could have been drawn, and what they hold. */
  readonly met: { files: number; bytes: number } = { files: 0, bytes: 0 };
  /** Of them, those larger than the whole budget. */
  readonly tooLarge: { files: number; bytes: number } = { files: 0, bytes: 0 };

  constructor(budget: SampleBudget) {
    this.#budget = budget;
  }

  /** `item` is asked for only when the file comes into the sample as it is now. */
  offer(key: number, size: number, item: () => T): void {
    if (!Number.isFinite(key)) return;
    this.met.files++;
    this.met.bytes += size;
    if (size > this.#budget.bytes) {
      this.tooLarge.files++;
      this.tooLarge.bytes += size;
      return;
    }
    const top = this.#heap[0];
    if (top !== undefined && key >= top.key && this.#isFull()) return;
    this.#push({ key, size, item: item() });
    this.#bytes += size;
    // Whatever is above goes as soon as the rest alone fills the budget.
    while (this.#restIsFull()) this.#bytes -= this.#pop().size;
  }

  /** In the order of the draw: the first that fit, and those behind which still do. */
  take(): T[] {
    let { bytes, files } = this.#budget;
    const taken: T[] = [];
    for (const { size, item } of this.#heap.toSorted((a, b) => a.key - b.key)) {
      if (size > bytes || files === 0) continue;
      bytes -= size;
      files--;
      taken.push(item);
    }
    return taken;
  }

  #isFull(): boolean {
    return this.#bytes >= this.#budget.bytes || this.#heap.length >= this.#budget.files;
  }

  #restIsFull(): boolean {
    const top = this.#heap[0];
    if (top === undefined) return false;
    return this.#bytes - top.size >= this.#budget.bytes || this.#heap.length > this.#budget.files;
  }

  #push(drawn: Drawn<T>): void {
    const heap = this.#heap;
    let at = heap.push(drawn) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && heap[parent]!.key < drawn.key; parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = drawn;
  }

  #pop(): Drawn<T> {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.key > heap[child]!.key) child++;
      if (heap[child]!.key <= last.key) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
