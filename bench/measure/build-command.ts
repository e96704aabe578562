import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** What is measured is what would be published. */
export function buildCommand(): void {
  const root = join(import.meta.dirname, '../..');
  execFileSync(process.execPath, [join(root, 'tools/build.ts')], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}
