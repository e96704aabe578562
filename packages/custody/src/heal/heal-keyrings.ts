/**
 * The account's keyrings from another copy of the repository. They are sealed and nothing signs them: where both copies
 * have one and they differ, only whoever has the password can tell which is sound.
 */
import { equalBytes } from '@keephold/bytes';
import { KEYRINGS } from '../layout.ts';
import type { FolderSide } from './folder-side.ts';

type Side = Pick<FolderSide, 'backend'>;

export interface HealedKeyrings {
  readonly taken: number;
  /** That differ, and nothing could tell which is sound. */
  readonly doubtful: number;
}

export async function healKeyrings(
  here: Side,
  there: Side,
  { opensKeyring }: { readonly opensKeyring?: (sealed: Uint8Array) => Promise<boolean | undefined> },
): Promise<HealedKeyrings> {
  let [taken, doubtful] = [0, 0];
  for await (const { name } of there.backend.list(KEYRINGS)) {
    const [own, other] = [await here.backend.get(name), await there.backend.get(name)];
    if (other === undefined || (own !== undefined && equalBytes(own, other))) continue;
    const isOwnSound = own === undefined ? false : await opensKeyring?.(own);
    if (isOwnSound === true) continue;
    if (isOwnSound === false && (own === undefined || (await opensKeyring?.(other)) === true)) {
      await here.backend.put(name, other);
      taken++;
    } else doubtful++;
  }
  return { taken, doubtful };
}
