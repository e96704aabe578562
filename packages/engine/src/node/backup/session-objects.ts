/** Stores the session objects of a run: before the first pack, and before a snapshot that needs no pack. */
import type { VaultId, WritingCustody } from '@keephold/protocol';
import type { WriterSession } from './options.ts';

export async function storeSessionObjects(
  custody: Pick<WritingCustody, 'putObject'>,
  vaultId: VaultId,
  { objectNames, objects }: Pick<WriterSession, 'objectNames' | 'objects'>,
): Promise<void> {
  for (const [i, object] of (objects ?? []).entries()) await custody.putObject(vaultId, objectNames[i]!, object);
}
