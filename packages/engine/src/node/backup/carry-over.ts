/**
 * Takes a directory with everything below it over from the last snapshot, without a look at the disk. Its records are
 * still gone through: they say which packs the new snapshot needs, and how much there is.
 */

import { NodeType } from '../../node-fields.ts';
import { nodeTypeOf, sizeOf } from '../../source.ts';
import { FullWalkNeeded } from '../journal/full-walk.ts';
import type { CachedDirectory } from '../tree-cache/tree-cache-reader.ts';
import type { Visited } from './directory-capture.ts';
import type { WalkParts } from './walk-parts.ts';

export class CarryOver {
  readonly #parts: WalkParts;
  readonly #use: (pack: number) => boolean;

  constructor(parts: WalkParts) {
    this.#parts = parts;
    this.#use = (pack) => {
      if (parts.isDead(pack)) throw new FullWalkNeeded('missing-data');
      parts.used.add(pack);
      return true;
    };
  }

  /** Undefined when the last snapshot does not have it. `sequence`: its place among the records of this run. */
  subtree(path: Uint8Array, sequence: number): Visited | undefined {
    const { cached, records } = this.#parts;
    let seen = 0;
    const found = cached.passSubtree(path, (directory) => {
      seen++;
      this.#count(directory);
    });
    if (found === undefined) {
      // Something below it is there, and it is not.
      if (seen > 0) throw new FullWalkNeeded('missing-data');
      return undefined;
    }
    const { file } = cached;
    records.put(sequence, { kind: 'old', file, from: found.from, length: found.length });
    return { kind: 'unchanged', subtree: found.id, file, isCarried: true };
  }

  #count(directory: CachedDirectory): void {
    const { counters } = this.#parts;
    counters.directories++;
    directory.places.forEach(this.#use);
    for (const entries = directory.entries(); !entries.done; entries.advance()) {
      entries.everyPlace(this.#use);
      const row = entries.identity;
      const type = nodeTypeOf(row, 0);
      if (type === NodeType.file) {
        counters.filesUnchanged++;
        counters.bytes += sizeOf(row, 0);
      } else if (type !== NodeType.directory) counters.otherEntries++;
    }
  }
}
