/** Entry of the thread that computes the parity of packs during a backup. */
import { parentPort } from 'node:worker_threads';
import { runParityWorker } from '@keephold/custody';

if (parentPort !== null) runParityWorker(parentPort);
