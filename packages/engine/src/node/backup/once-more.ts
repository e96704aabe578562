import { CustodyError, type PackIdList } from '@keephold/protocol';

/** Ends a pass whose foundations are not what they were taken for. */
export class OnceMore extends Error {
  readonly missing: PackIdList;
  constructor(missing: PackIdList) {
    super('the keeper or the cache is not as it was');
    this.missing = missing;
  }
}

/** A refusal of an unchanged tree: its parent is not there, another one or damaged. The long way says it all anew. */
export async function refusedAsOnceMore<T>(committing: Promise<T>): Promise<T> {
  try {
    return await committing;
  } catch (cause) {
    if (cause instanceof CustodyError && (cause.code === 'refused' || cause.code === 'damaged'))
      throw new OnceMore(new Uint8Array(0));
    throw cause;
  }
}
