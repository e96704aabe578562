/**
 * Session objects that the repository does not give whole to who reads, whatever its keeper says of them. They lie there
 * twice and once more on the device that made them, so that nothing else may show that one is gone.
 */
import { toHex } from '@keephold/bytes';
import type { AuditFinding } from '@keephold/protocol';
import type { ReadAccess } from '../access/open-for-reading.ts';
import { isNamed } from '../access/session-copies.ts';

/** What is wrong with each, but for those that the keeper told of. */
export async function withheldSessions(
  { repository, custody, vaultId }: ReadAccess,
  told: readonly AuditFinding[],
): Promise<readonly string[]> {
  const names = new Map(repository.log.sessions.map(({ name }) => [toHex(name), name]));
  for (const { place } of told) names.delete(place.slice(place.lastIndexOf('/') + 1));
  const wanted = [...names.values()];
  const stored = await custody.getObjects(vaultId, wanted);
  return wanted.flatMap((name, i) => {
    if (isNamed(stored[i], name)) return [];
    const what = stored[i] === undefined ? 'is not there' : 'is not what was stored';
    return [`session object ${toHex(name)} ${what}`];
  });
}
