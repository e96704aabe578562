/**
 * The plan that is suggested to who has none: the home folder without known junk. It is shown with sizes and made only
 * when somebody says so on a terminal.
 */
import { repositoryPlace } from '../access/repository-folder.ts';
import { pokeAgent } from '../agent/poke-agent.ts';
import type { Context } from '../context.ts';
import { InterruptedError } from '../errors.ts';
import { knownJunk } from '../plans/known-junk.ts';
import type { Plan } from '../plans/plan.ts';
import { readPlans, writePlans } from '../plans/plan-file.ts';
import { printable } from '../terminal/printable.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { formatTable } from '../terminal/text-table.ts';
import { formatBytes, formatCount } from '../terminal/units.ts';
import { type Amount, measurePlan, type PlanMeasure } from './measure-plan.ts';

const NAME = 'home';
/** Of what is backed up, the largest. */
const MOST_ROWS = 15;

export function homePlan(context: Pick<Context, 'environment' | 'globals'>, name: string = NAME): Plan {
  const { environment } = context;
  return { name, repository: repositoryPlace(context), folders: [environment.home], excludes: [...knownJunk] };
}

/** Shows what the plan would back up; on a terminal asks whether to make it. */
export async function suggestPlan(context: Context, name: string = NAME): Promise<void> {
  const { out, terminal, environment } = context;
  const plan = homePlan(context, name);
  const progress = new ProgressLine(out, 'looking');
  const measure = await measured(context, plan, progress);
  await tell(context, plan, measure);
  const isThere = readPlans(environment).some((one) => one.name === name);
  if (isThere) return out.note(`there is a plan "${name}" already; keephold plan show ${name} shows it`);
  const command = `keephold plan add ${name} --repo ${printable(plan.repository)}`;
  if (!terminal.canAsk || out.json) return out.note(`\nnothing is changed; to make this plan: ${command}`);
  if (!(await isYes(context, `\nmake this the plan "${name}"? [y/N] `)))
    return out.note(`nothing is changed; to make it later: ${command}`);
  writePlans(environment, [...readPlans(environment), plan]);
  await pokeAgent(context);
  await out.answer(`made the plan ${name}`, { type: 'plan', ...plan });
  out.note('next: keephold agent install has it backed up by itself; keephold plan edit changes it');
}

/** After signing in, for who has no plan: asks on a terminal, and else only says what there is. */
export async function offerPlan(context: Context): Promise<void> {
  const { out, terminal, environment } = context;
  if (out.json || out.quiet || readPlans(environment).length > 0) return;
  const repo = printable(repositoryPlace(context));
  out.note(`to back up by itself: keephold plan suggest --repo ${repo} shows what of your home folder, and how much`);
  if (!terminal.canAsk || !(await isYes(context, 'look at that now? [y/N] '))) return;
  await suggestPlan(context);
}

async function measured(context: Context, plan: Plan, progress: ProgressLine): Promise<PlanMeasure> {
  const { signal } = context;
  try {
    return await measurePlan(context, plan, { signal, onProgress: (total) => progress.update(total) });
  } finally {
    progress.end();
  }
}

/** Who goes away, or presses Ctrl-C, has not said so. */
async function isYes({ terminal }: Context, question: string): Promise<boolean> {
  try {
    return /^y(es)?$/i.test((await terminal.ask(question)).trim());
  } catch (error) {
    if (error instanceof InterruptedError) return false;
    throw error;
  }
}

async function tell({ out }: Context, plan: Plan, { total, kept, left, unreadable }: PlanMeasure): Promise<void> {
  const nameOf = (latin1: string): string => Buffer.from(latin1, 'latin1').toString();
  const keptRows = sorted(kept)
    .filter(([, { files }]) => files > 0)
    .map(([name, amount]) => ({ name: nameOf(name), ...amount }));
  const leftRows = sorted(left).map(([reason, amount]) => ({ reason, ...amount }));
  await out.record({ type: 'suggestion', ...plan, ...total, unreadable, kept: keptRows, left: leftRows });
  if (out.json) return;
  const rest = keptRows.slice(MOST_ROWS);
  const others = rest.length === 0 ? [] : [row(`${rest.length} more`, sumOf(rest))];
  const shown = keptRows.slice(0, MOST_ROWS).map((one) => row(printable(one.name), one));
  const right = ['Files', 'Size'];
  const headings = (what: string): string[] => [what, ...right];
  const where = plan.folders.map((folder) => printable(folder)).join(', ');
  const keptTable = { headings: headings('Backed up'), rows: [...shown, ...others, row('all', total)], right };
  await out.result(`${where}, to ${printable(plan.repository)}\n\n${formatTable(keptTable).trimEnd()}`);
  const leftTable = {
    headings: headings('Left out'),
    // All patterns are the plan's own.
    rows: leftRows.map((one) => row(printable(one.reason.replace(/ \(--exclude\)$/, '')), one)),
    right,
  };
  if (leftRows.length > 0) await out.result(`\n${formatTable(leftTable).trimEnd()}`);
  if (unreadable > 0) out.warn(`${formatCount(unreadable)} folders cannot be listed`);
}

function row(name: string, { files, bytes }: Amount): string[] {
  return [name, formatCount(files), formatBytes(bytes)];
}

function sorted(amounts: ReadonlyMap<string, Amount>): readonly (readonly [string, Amount])[] {
  return [...amounts].sort(([, a], [, b]) => b.bytes - a.bytes);
}

function sumOf(amounts: readonly Amount[]): Amount {
  return amounts.reduce((sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }), {
    files: 0,
    bytes: 0,
  });
}
