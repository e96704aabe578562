/**
 * Restored items that are to become immutable or append only. That waits until nothing is to be written any more: further
 * names of a file and the entries of a directory could not be made otherwise. Each is accounted for then.
 */
import { PROTECTING_FLAGS } from '../../node-fields.ts';
import type { MetadataProblem, Target } from '../../target.ts';
import type { Account, RestoredItem } from './account.ts';
import { failureOf } from './item-failure.ts';

export class ProtectedItems {
  readonly #waiting: { readonly item: RestoredItem; readonly flags: number }[] = [];

  /** Takes the item when it has to wait. */
  take(item: RestoredItem, flags: number | undefined): boolean {
    const wanted = (flags ?? 0) & PROTECTING_FLAGS;
    if (wanted === 0 || item.problems.some(({ what }) => what === 'flags')) return false;
    this.#waiting.push({ item, flags: wanted });
    return true;
  }

  /** `refusal` says why they are not protected after all. */
  finish(target: Target, account: Account, refusal: string | undefined): void {
    for (const { item, flags } of this.#waiting.splice(0)) {
      const problems = refusal === undefined ? protect(target, item.path, flags) : [flagsProblem(refusal)];
      account.add({ ...item, problems: [...item.problems, ...problems] });
    }
  }
}

function protect(target: Target, path: Uint8Array, flags: number): readonly MetadataProblem[] {
  try {
    return target.protect(path, flags);
  } catch (cause) {
    return [flagsProblem(failureOf(cause).reason)];
  }
}

function flagsProblem(reason: string): MetadataProblem {
  return { what: 'flags', reason };
}
