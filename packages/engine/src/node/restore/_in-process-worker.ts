/** A reading worker in the test's own thread: the same messages over the same channel, and faults can be put in. */
import { EventEmitter } from 'node:events';
import { MessageChannel, type Worker } from 'node:worker_threads';
import type { Target } from '../../target.ts';
import { runReadWorker } from './pack-reading/run-read-worker.ts';

export function inProcessWorker<Config>(createTarget: (config: Config) => Target): () => Worker {
  return () => {
    const { port1, port2 } = new MessageChannel();
    const worker = new EventEmitter() as EventEmitter & { threadId: number; postMessage: unknown };
    worker.threadId = 1;
    worker.postMessage = (message: unknown, transfer: ArrayBuffer[] = []) => port1.postMessage(message, transfer);
    port1.on('message', (message) => worker.emit('message', message));
    port1.on('close', () => {
      worker.threadId = -1;
      worker.emit('exit', 0);
    });
    runReadWorker(port2, { createTarget });
    return worker as unknown as Worker;
  };
}
