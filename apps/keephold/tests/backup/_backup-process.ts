/** Backs up in a process of its own: `FOLDER ROOT [uid]`. Says `committed` or the error's name and code as one line. */
import { builtCommand } from '../_built-command.ts';
import { BackupRepository } from './_backup-repository.ts';

const [, , folder = '', root = '', options = '{}'] = process.argv;
const { checkpointEvery, workers, uid } = JSON.parse(options) as {
  checkpointEvery?: number;
  workers?: number;
  uid?: number;
};
// While it may still be written.
builtCommand();
if (uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
try {
  const report = await new BackupRepository(folder).backup({
    roots: [root],
    workers: workers ?? 1,
    checkpointEvery: checkpointEvery ?? 300_000,
  });
  const unreadable = report.unreadable.map(({ path, error }) => `${Buffer.from(path).toString('latin1')} ${error}`);
  console.log(JSON.stringify({ kind: report.kind, files: report.files, bytesStored: report.bytesStored, unreadable }));
} catch (error) {
  const { name, code, message } = error as Error & { code?: string };
  console.log(JSON.stringify({ name, code, message }));
  process.exitCode = 1;
}
