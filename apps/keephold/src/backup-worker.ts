/** Entry of the threads that read, cut and pack files during a backup. */
import { parentPort } from 'node:worker_threads';
import { runBackupWorker } from '@keephold/engine/node';
import { createContentReader } from '@keephold/source-files';

if (parentPort !== null) runBackupWorker(parentPort, { reader: createContentReader(), now: Date.now });
