/**
 * Writes docs/fidelity.md from the table of e2e/fidelity/cases.ts, which a test holds against the real command; so the
 * page is the same on every machine. `--check` only tells whether it is up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cases, type Fate, type FidelityCase, probes } from '../e2e/fidelity/cases.ts';
import { root } from './run.ts';

const introduction = `# What a restore brings back

Every row was made with the usual programs, backed up, restored elsewhere and compared by programs that are not ours, on
ext4 and on tmpfs. \`npm test -- e2e/fidelity\` does it again (\`KEEPHOLD_FIDELITY=all\` for every combination); rows that a
machine cannot run are skipped by name. This page is written from the same table by \`npm run fidelity\`.

**kept**: the other program finds no difference, and the command reports none. **told**: the restore names the item and
what of it was not restored (\`--verbose\`, \`--json\`, and a sum at the end). **skipped**: the restore leaves the item out
and says why. **noted**: the backup already names the item and what it could not keep. **not visible**: the system hides
it from this user, so nobody can tell.

`;

const ending = `
Never restored, because no system lets anybody set them: the time of the last change of the inode (ctime) and the time of
birth (btime). Both are captured and shown by \`keephold ls --json\`. Not captured: the time of the last access (a backup
leaves it alone where it may), and attributes that only tell the file system how to store a file (chattr +A +C +S and
the like).
`;

function page(): string {
  const head = ['what', 'root, `--privileged`', 'root', 'ordinary user', 'seen by'];
  const rows = [head, head.map(() => '---'), ...cases.map(row)];
  return introduction + rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('') + ending;
}

function row(one: FidelityCase): string[] {
  const { privileged, root: plain, user } = one.fates;
  const where = one.only === undefined ? '' : ` (${one.only} only)`;
  const remark = one.remark === undefined ? '' : `; ${one.remark}`;
  const seenBy = one.seenBy.map((name) => probes[name].told).join(', ');
  return [`${one.what}${where}${remark}`, ...[privileged, plain, user].map(fateText), seenBy];
}

function fateText(fate: Fate): string {
  if (fate.fate === 'told') return `told: ${fate.what}`;
  return fate.fate === 'unseen' ? 'not visible' : fate.fate;
}

const path = join(root, 'docs', 'fidelity.md');
if (!process.argv.includes('--check')) writeFileSync(path, page());
else if (readFileSync(path, 'utf8') !== page()) {
  console.error('docs/fidelity.md is not up to date: run npm run fidelity');
  process.exitCode = 1;
}
console.log(`fidelity: ${cases.length} rows`);
