/** `keephold plan`: what to back up and where to, under a name. */
import { resolve } from 'node:path';
import { defaultGoal, parseGoal } from '@keephold/agent';
import { repositoryPlace } from '../access/repository-folder.ts';
import { pokeAgent } from '../agent/poke-agent.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { text, texts } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { suggestPlan } from '../jobs/suggest-plan.ts';
import { type ConditionValues, changedRules, conditionOptions, hasConditions } from '../plans/condition-options.ts';
import { knownJunk } from '../plans/known-junk.ts';
import { isPlanName, type Plan } from '../plans/plan.ts';
import { blockersNow, rulesInWords, rulesOf, usualRules } from '../plans/plan-conditions.ts';
import { planFilePath, planNamed, readPlans, writePlans } from '../plans/plan-file.ts';
import { limitInWords } from '../plans/upload-limit.ts';
import {
  changedUpload,
  hasUploadOptions,
  planUploadOptions,
  requireUpload,
  uploadLimits,
} from '../plans/upload-options.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';

interface Request {
  readonly name: string;
  readonly folders: readonly string[];
  readonly excludes: readonly string[];
  readonly conditions: ConditionValues;
  readonly goal: string | undefined;
  readonly upload: Parameters<typeof changedUpload>[1];
}

type Action = (context: Context, request: Request) => Promise<void>;

export const plan: Command = defineCommand({
  name: 'plan',
  operands: {
    usage: 'suggest [NAME] | add NAME [FOLDER...] | edit NAME [FOLDER...] | show NAME | remove NAME | list',
    min: 1,
    max: 1000,
  },
  description: [
    'A plan says under a name what to back up and where to; keephold backup --plan NAME follows it. All plans are in one file, plans.json among your settings, which may be edited by hand too: what is wrong in it is refused and named.',
    'suggest shows what a plan of your home folder would back up and what it leaves out, with sizes, and on a terminal asks whether to make it.',
    'add takes the repository from --repo or KEEPHOLD_REPO. Without a FOLDER it is your home folder, without caches, trash and what programs fetch again; show names what is left out, and keephold backup --plan NAME --dry-run --verbose shows the sizes before the first run.',
    'A plan says too when it may run by itself, which only a program that runs it by itself asks: keephold backup --plan NAME always runs. Without another word that is on mains or on battery above 40%, and to a server not over a metered network. show says whether it could run now, and what is in the way if not.',
    'Its goal says how old the newest backup may become; keephold agent goes by that.',
    'It may limit how fast it uploads, by time of day (--limit-upload), and give way to what else uses the line (--give-way). A backup that is going takes an edit of that within a second.',
    'edit replaces the folders, the patterns, the repository, the goal or a condition, whichever is given. remove removes the plan and nothing that was backed up.',
  ],
  options: {
    exclude: texts({
      short: 'e',
      value: 'PATTERN',
      help: 'leave out what matches, in gitignore syntax (may be repeated)',
    }),
    goal: text({ value: 'TIME', help: `its newest backup is to be no older, as 90min, 24h or 7d (${defaultGoal})` }),
    ...conditionOptions,
    ...planUploadOptions,
  },
  examples: [
    { command: 'keephold plan suggest', says: 'what of your home folder, with sizes' },
    { command: 'keephold plan add home --repo /media/disk/backup', says: 'your home folder without junk' },
    { command: "keephold plan add photos ~/Pictures --exclude '*.tmp'", says: 'one folder' },
    { command: 'keephold plan edit home --idle --between 22:00-06:00', says: 'by itself at night only' },
    { command: 'keephold backup --plan home', says: 'what it is for' },
  ],
  async run(context, { operands, options }) {
    const [action = '', name, ...folders] = operands;
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (run === undefined) throw new UsageError(`plan cannot "${action}"`, 'keephold plan --help shows what it can');
    const takesContent = action === 'add' || action === 'edit';
    const hasContent = folders.length > 0 || options.exclude.length > 0 || options.goal !== undefined;
    if (!takesContent && (hasContent || hasConditions(options) || hasUploadOptions(options)))
      throw new UsageError(`plan ${action} takes neither folders, patterns, a goal, conditions nor limits`);
    if (options.goal !== undefined && parseGoal(options.goal) === undefined)
      throw new UsageError(`--goal takes a time such as 90min, 24h or 7d, not "${options.goal}"`);
    if (action === 'list' && name !== undefined) throw new UsageError('plan list takes no name');
    if (action !== 'list' && action !== 'suggest' && name === undefined)
      throw new UsageError(`plan ${action} needs the NAME of a plan`);
    const request = {
      name: name ?? '',
      folders: folders.map(absolute),
      excludes: options.exclude,
      conditions: options,
      goal: options.goal,
      upload: options,
    };
    await run(context, request);
    if (takesContent || action === 'remove') await pokeAgent(context);
    return exitCodes.done;
  },
});

const actions: Readonly<Record<string, Action>> = { suggest, add, edit, show, remove, list };

async function suggest(context: Context, { name, folders }: Request): Promise<void> {
  if (folders.length > 0) throw new UsageError('plan suggest looks at the home folder: it takes no FOLDER');
  if (name !== '' && !isPlanName(name)) throw noName(name);
  await suggestPlan(context, name === '' ? undefined : name);
}

function noName(name: string): UsageError {
  return new UsageError(`"${name}" is no name for a plan`, 'use letters, digits, dots and dashes, 64 at most');
}

async function add(context: Context, { name, folders, excludes, conditions, goal, upload }: Request): Promise<void> {
  if (!isPlanName(name)) throw noName(name);
  const { environment } = context;
  const plans = readPlans(environment);
  if (plans.some((one) => one.name === name))
    throw new UsageError(`there is a plan "${name}" already`, `keephold plan edit ${name} changes it`);
  const isHome = folders.length === 0;
  const repository = repositoryPlace(context);
  const added: Plan = {
    name,
    repository,
    folders: isHome ? [environment.home] : folders,
    excludes: isHome ? [...knownJunk, ...excludes] : excludes,
    ...(hasConditions(conditions) && { conditions: changedRules(usualRules(repository), conditions) }),
    ...(goal !== undefined && { goal }),
    ...changedUpload({}, upload),
  };
  requireUpload(repository, added);
  writePlans(environment, [...plans, added]);
  await tell(context, added);
  context.out.note(`\nto see sizes, and what is left out: keephold backup --plan ${name} --dry-run --verbose`);
}

async function edit(context: Context, { name, folders, excludes, conditions, goal, upload }: Request): Promise<void> {
  const { environment, globals } = context;
  const plans = readPlans(environment);
  const before = planNamed(plans, name);
  const changed = hasConditions(conditions)
    ? changedRules(before.conditions ?? usualRules(before.repository), conditions)
    : before.conditions;
  const newGoal = goal ?? before.goal;
  const edited: Plan = {
    name,
    // KEEPHOLD_REPO is for plans that are made: it must not move one whose patterns are edited.
    repository: globals.repo === undefined ? before.repository : repositoryPlace(context),
    folders: folders.length === 0 ? before.folders : folders,
    excludes: excludes.length === 0 ? before.excludes : excludes,
    ...(changed !== undefined && { conditions: changed }),
    ...(newGoal !== undefined && { goal: newGoal }),
    ...changedUpload(before, upload),
  };
  requireUpload(edited.repository, edited);
  writePlans(
    environment,
    plans.map((one) => (one === before ? edited : one)),
  );
  await tell(context, edited);
}

async function show(context: Context, { name }: Request): Promise<void> {
  const { environment, out } = context;
  const shown = planNamed(readPlans(environment), name);
  const blockers = await blockersNow(environment, shown, new Date(context.now()));
  const inTheWay = blockers.map(({ message }) => printable(message)).join('; ');
  const now = inTheWay === '' ? 'could run by itself' : `would not run by itself: ${inTheWay}`;
  await out.answer(`${inWords(context, shown)}\n  now       ${now}`, {
    type: 'plan',
    ...shown,
    conditions: rulesOf(shown),
    blockers,
  });
  if (blockers.some(({ isUnknown }) => isUnknown))
    out.note(
      `what the machine does not tell holds it back until the plan asks less: keephold plan edit ${name} --no-conditions`,
    );
}

async function remove({ environment, out }: Context, { name }: Request): Promise<void> {
  const plans = readPlans(environment);
  const removed = planNamed(plans, name);
  writePlans(
    environment,
    plans.filter((one) => one !== removed),
  );
  await out.answer(`removed plan ${name}; what it backed up stays`, { type: 'plan-removed', name });
}

async function list({ environment, out }: Context): Promise<void> {
  const plans = readPlans(environment);
  for (const one of plans) await out.record({ type: 'plan', ...one });
  if (plans.length === 0) return out.note('there is no plan; keephold plan add NAME makes one');
  const rows = plans.map(({ name, folders, repository }) => [
    name,
    folders.map((folder) => printable(folder)).join(', '),
    printable(repository),
  ]);
  await out.result(formatTable({ headings: ['Plan', 'Folders', 'Repository'], rows }).trimEnd());
}

async function tell(context: Context, told: Plan): Promise<void> {
  await context.out.answer(inWords(context, told), { type: 'plan', ...told });
}

function inWords({ environment }: Context, plan: Plan): string {
  const { name, repository, folders, excludes } = plan;
  return [
    `plan ${name}, in ${printable(planFilePath(environment))}`,
    `  to        ${printable(repository)}`,
    ...folders.map((folder) => `  folder    ${printable(folder)}`),
    ...excludes.map((pattern) => `  without   ${printable(pattern)}`),
    `  goal      a backup no older than ${plan.goal ?? defaultGoal}`,
    ...uploadLimits(plan.limitUpload ?? []).map((limit) => `  upload    ${limitInWords(limit)}`),
    ...(plan.giveWay === true ? ['  upload    makes room for calls and other programs on the line'] : []),
    ...rulesInWords(rulesOf(plan)).map((rule) => `  when      ${printable(rule)}`),
  ].join('\n');
}

function absolute(folder: string): string {
  if (folder === '') throw new UsageError('the folder is empty', 'name a folder; . is the current one');
  return resolve(folder);
}
