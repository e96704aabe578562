/** Entry of the threads that open and write packs during a restore, a check or a cat. */
import { parentPort } from 'node:worker_threads';
import { runReadWorker } from '@keephold/engine/node';
import { createTarget } from '@keephold/source-files';

if (parentPort !== null) runReadWorker(parentPort, { createTarget });
