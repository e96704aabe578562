/**
 * Entry of the process that opens restored files. They may hold anything: what hangs in here is killed, what eats memory
 * ends this process and no other. It ends with the one that started it.
 */
import { openFile, SpoiledDecoderError } from '@keephold/drill';
import type { OpenAnswer, OpenRequest } from './jobs/drill/opener-process.ts';

async function answer({ path }: OpenRequest): Promise<OpenAnswer> {
  try {
    return await openFile(path);
  } catch (error) {
    // The one that started this process starts another for the next file.
    if (error instanceof SpoiledDecoderError) process.exit(1);
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'undecided', format: undefined, reason: `it could not be opened: ${reason}` };
  }
}

// Ctrl-C reaches the whole group; what it means is decided by the process that asks.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});
process.on('message', (request) => {
  void answer(request as OpenRequest).then((opened) => process.send?.(opened));
});
process.on('disconnect', () => process.exit(0));
