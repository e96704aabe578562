/** `keephold check`: whether everything that snapshots need is there and intact. */
import { availableParallelism } from 'node:os';
import { toHex } from '@keephold/bytes';
import { type CheckProblem, type CheckReport, check as checkRepository } from '@keephold/engine/node';
import {
  type AuditFinding,
  type Custody,
  CustodyError,
  type PackIdList,
  packIdAt,
  packIdCount,
} from '@keephold/protocol';
import { openForReading, type ReadAccess } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { share } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../errors.ts';
import { unnamedOwnSessions } from '../jobs/own-sessions.ts';
import { waysInProblems } from '../jobs/ways-in.ts';
import { withheldSessions } from '../jobs/withheld-sessions.ts';
import { printable } from '../terminal/printable.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { counted, formatBytes } from '../terminal/units.ts';
import { spawnReadWorker } from '../workers.ts';

export const check: Command = defineCommand({
  name: 'check',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Checks that the history is unbroken and signed, that every file of every snapshot leads to data that is there, and with --read-data that the data is what was stored, by reading it.',
    'That other devices can open the repository with the password is tried when the password is given.',
    'Where the repository keeps parity, it looks whether everything has it, and with --read-data of everything whether the parity is what it was.',
    'Damage is listed with what it affects; everything else can still be restored. Packs that turn out to be damaged are set aside, so that the next backup stores again what the files here still have. keephold heal does more.',
  ],
  options: {
    'read-data': share({ value: 'SHARE', bare: 1, help: 'read all data, or a random share of it such as 5%' }),
  },
  examples: [
    { command: 'keephold check', says: 'structure only, fast' },
    { command: 'keephold check --read-data', says: 'every stored byte' },
    { command: 'keephold check --read-data=5%', says: 'another twentieth each time' },
  ],
  readsOlderCopy: true,
  async run(context, { options }) {
    const { out, signal } = context;
    const found: FoundProblem[] = [];
    let isOpening = true;
    // Damage of the history; what is met later the check finds and tells itself, with what it affects.
    await using access = await openForReading(context, {
      history: 'anew',
      onDamage: ({ message }) => isOpening && found.push({ kind: 'commit', what: message }),
    });
    isOpening = false;
    const findings = await access.custody.audit(access.vaultId, { readsAll: options['read-data'] === 1 });
    found.push(...auditProblems(findings), ...(await keyringProblems(context, access)));
    for (const what of await withheldSessions(access, findings)) found.push({ kind: 'record', what });
    const unnamed = unnamedOwnSessions(access);
    for (const what of unnamed) found.push({ kind: 'record', what });
    const progress = new ProgressLine(out, 'checking');
    let report: CheckReport;
    try {
      report = await checkRepository({
        repository: access.repository,
        ledger: async () => await access.custody.snapshots(access.vaultId),
        found,
        lost: await access.custody.lostPacks(access.vaultId),
        readData: options['read-data'] ?? 0,
        spawnWorker: spawnReadWorker,
        workers: availableParallelism(),
        signal,
        onProgress: ({ packs, packsTotal, bytesRead, problems }) =>
          progress.update({ files: packs, totalFiles: packsTotal, bytes: bytesRead, errors: problems }),
      });
    } finally {
      progress.end();
    }
    await printReport(context, report);
    if (report.problems.some(({ kind }) => kind === 'damaged-index'))
      out.note('keephold heal lists again the packs that can still be read');
    if (unnamed.length > 0) out.note('keephold heal names the session objects again');
    await tellParity(context, findings);
    await reportDamage(context, access, report);
    return report.problems.length === 0 ? exitCodes.done : exitCodes.damaged;
  },
});

type FoundProblem = Pick<CheckProblem, 'kind' | 'what'>;

function auditProblems(findings: readonly AuditFinding[]): readonly FoundProblem[] {
  return findings
    .filter(({ kind }) => kind === 'damage')
    .map(({ place, what }) => ({ kind: 'record', what: `${place}: ${what}` }));
}

/** What is no damage: files that wait for their parity, and parity of nothing. */
async function tellParity({ out }: Context, findings: readonly AuditFinding[]): Promise<void> {
  const harmless = findings.filter(({ kind }) => kind !== 'damage');
  for (const { kind, place, what } of harmless) await out.record({ type: kind, place, what });
  const waiting = harmless.filter(({ kind }) => kind === 'unprotected').length;
  if (waiting > 0)
    out.note(`${counted(waiting, 'file')} without parity yet: the next backup makes it, or keephold repair`);
  for (const { kind, place, what } of harmless) if (kind === 'stray') out.note(`${printable(place)}: ${what}`);
}

async function keyringProblems(context: Context, { custody, openedBy }: ReadAccess): Promise<readonly FoundProblem[]> {
  if (openedBy === 'secret') return [];
  const problems = await waysInProblems(context, custody);
  if (problems === undefined)
    context.out.note('the way in with the password was not tried: give it (--password-file) to check that too');
  return (problems ?? []).map((what) => ({ kind: 'record', what }));
}

/** The keeper looks for itself, and keeps damaged packs out of what comes; a repository that cannot be written stays. */
async function reportDamage(
  { out }: Context,
  { custody, vaultId, isOlder }: ReadAccess,
  report: CheckReport,
): Promise<void> {
  if (report.damagedPacks.length === 0 || isOlder) return;
  try {
    const lost = await custody.reportDamage(vaultId, report.damagedPacks);
    await out.record({ type: 'lost', packs: packNames(lost) });
    if (lost.length > 0 && report.problems.length > 0) out.note(nextStep(custody));
  } catch (error) {
    if (!(error instanceof CustodyError)) throw error;
    out.warn(`the damage could not be recorded: ${error.message}`);
  }
}

function nextStep({ properties }: Custody): string {
  const others = 'the next backup stores again what it can; keephold heal --from takes it from a copy';
  return properties.parityPercent ? `keephold repair mends what parity can; ${others}` : others;
}

function packNames(packs: PackIdList): string[] {
  return Array.from({ length: packIdCount(packs) }, (_, index) => toHex(packIdAt(packs, index)));
}

const shownAffected = 5;
/** On a terminal or in a log; --json has all of them. */
const shownProblems = 100;

async function printReport({ out }: Context, report: CheckReport): Promise<void> {
  for (const [index, { kind, what, affects, blobs }] of report.problems.entries()) {
    await out.record({ type: 'problem', kind, what, affects, ...(blobs.length > 0 && { blobs }) });
    if (out.json || index >= shownProblems) continue;
    out.error(`${kind.replace('-', ' ')}: ${printable(what)}`);
    for (const affected of affects.slice(0, shownAffected)) out.error(`  affects ${printable(affected)}`);
    if (affects.length > shownAffected) out.error(`  and ${affects.length - shownAffected} more`);
  }
  const { snapshots, trees, blobs, packs, packsRead, bytesRead, problems } = report;
  if (!out.json && problems.length > shownProblems)
    out.error(`and ${problems.length - shownProblems} more; --json lists them all`);
  await out.record({
    type: 'summary',
    snapshots,
    trees,
    blobs,
    packs,
    packsRead,
    bytesRead,
    problems: problems.length,
  });
  if (out.quiet) return;
  await out.result(
    `${counted(snapshots, 'snapshot')}, ${counted(trees, 'folder')}, ${counted(blobs, 'blob')}, ${counted(packs, 'pack')}` +
      (packsRead > 0 ? `; read ${formatBytes(bytesRead)} in ${counted(packsRead, 'pack')}` : ''),
  );
  await out.result(problems.length === 0 ? 'no problem found' : `${counted(problems.length, 'problem')} found`);
}
