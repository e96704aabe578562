/** The ways into the repository that is named. */
import type { Custody } from '@keephold/protocol';
import type { ChangeSlotsOptions } from '@keephold/vault';
import type { Context } from '../context.ts';
import { folderWaysIn } from './folder-ways-in.ts';
import { isServer, repositoryPlace } from './repository-folder.ts';
import type { WaysIn } from './ways-in.ts';

export async function waysInto(context: Context, custody: Custody, options: ChangeSlotsOptions): Promise<WaysIn> {
  if (!isServer(repositoryPlace(context))) return folderWaysIn(context, options);
  const { serverWaysIn } = await import('./server-ways-in.ts');
  return serverWaysIn(custody, options);
}
