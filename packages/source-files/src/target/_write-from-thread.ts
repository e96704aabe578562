/** One of two threads that restore into the same directories of one root at the same time. */
import { workerData } from 'node:worker_threads';
import { createTarget } from './create-target.ts';

const { root, thread } = workerData as { readonly root: string; readonly thread: number };
const target = createTarget({ root, privileged: false, numericIds: false });
const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const content = Buffer.from(`thread ${thread}`);
for (let i = 0; i < 200; i++) {
  const directory = Buffer.from(`d${i}`);
  target.makeDirectory(directory);
  target.makeDirectory(Buffer.from(`d${i}/sub`));
  const handle = target.createFile(Buffer.from(`d${i}/${thread}`), content.length, { replace: true });
  target.writeAt(handle, content, 0);
  target.finishFile(handle, { mode: 0o644, ...owner, mtime: 1n });
}
target.close();
