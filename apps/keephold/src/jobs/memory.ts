import { isServer } from '../access/repository-folder.ts';

/** What a job may use of memory unless it is told otherwise, bytes: the bound that the benchmark holds every step to. */
export const defaultMemory = 256e6;
/** Two packs more: each waits in memory until a server has it, and workers would wait for them. */
const memoryWithServer = 285e6;

/** Bytes a backup to this place may use unless it is told otherwise. */
export function memoryFor(place: string): number {
  return isServer(place) ? memoryWithServer : defaultMemory;
}
