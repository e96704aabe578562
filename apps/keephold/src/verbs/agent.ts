/** `keephold agent`: backs plans up by itself; and pauses. */
import { type Goal, type Pause, parseGoal, systemClock, withoutPause, withPause } from '@keephold/agent';
import { AgentFolder } from '../agent/agent-folder.ts';
import { printLog } from '../agent/agent-log.ts';
import { installAgent, uninstallAgent } from '../agent/install-agent.ts';
import { pokeAgent } from '../agent/poke-agent.ts';
import { runAgent } from '../agent/run-agent.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, text } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { planNamed, readPlans } from '../plans/plan-file.ts';
import type { JsonRecord } from '../terminal/output.ts';
import { printable } from '../terminal/printable.ts';
import { formatClock } from '../terminal/units.ts';

interface Wish {
  readonly plan: string | undefined;
  readonly lasts: Goal | undefined;
}

export const agent: Command = defineCommand({
  name: 'agent',
  operands: { usage: '[install | uninstall | log | pause | resume | later]', min: 0, max: 1 },
  description: [
    'Backs up every plan (keephold plan) by itself, for as long as it runs: when the newest backup has three quarters of the age that the goal of the plan allows, and what the plan asks of the machine holds. It goes by the time that has passed, so that neither sleep nor a wrong clock makes it forget a plan or run it twice. One plan after the other, each in a process of its own of lowest priority. It needs no password where this device has backed up into the repository before.',
    'It says on standard error what it does, and keephold status says how things are and why something did not run. Ctrl-C or SIGTERM ends it; a backup that is going ends with a checkpoint, and goes on from there next time.',
    'install has the system start it whenever you sign in, as your service (systemd, launchd, Task Scheduler), with the folders of Keephold as they are set now. Run it again after an update or a move: a backup that is going is not disturbed. uninstall takes all of that away.',
    'log prints what the agent said, oldest first: the newest megabyte, in UTC, without paths.',
    'pause holds all plans, or one, until resume or for some time; later is "not now": it does so for an hour. Both stop a backup that is going. They hold without a running agent too, for the next one.',
  ],
  options: {
    plan: text({ value: 'NAME', help: 'with pause, resume and later: this plan only (all)' }),
    'read-everything': flag({
      help: 'with install, on Linux: let it read what you may not, and nothing more (asks for root by sudo)',
    }),
    service: flag({ help: 'what install has the system add: it ends to be started again after an update' }),
    for: text({ value: 'TIME', help: 'with pause and later: for this long, as 30min, 2h or 1d (later: 1h)' }),
  },
  examples: [
    { command: 'keephold agent', says: 'until Ctrl-C' },
    { command: 'keephold agent install', says: 'from now on by itself' },
    { command: 'keephold agent later', says: 'not now: again in an hour' },
    { command: 'keephold agent pause --plan photos --for 2d', says: 'one plan, for two days' },
    { command: 'keephold agent resume', says: 'go on with everything' },
  ],
  async run(context, { operands: [action], options, given }) {
    const wish = { plan: options.plan, lasts: readTime(options.for) };
    requireFitting(action, given);
    switch (action) {
      case undefined:
        return (await runAgent(context, { isService: options.service })) ? exitCodes.startAgain : exitCodes.done;
      case 'install':
        await installAgent(context, options['read-everything']);
        return exitCodes.done;
      case 'log':
        await printLog(context);
        return exitCodes.done;
      case 'uninstall':
        await uninstallAgent(context);
        return exitCodes.done;
      case 'pause':
      case 'later':
        await pause(context, action === 'later' ? { ...wish, lasts: wish.lasts ?? parseGoal('1h') } : wish);
        return exitCodes.done;
      case 'resume':
        await resume(context, wish);
        return exitCodes.done;
      default:
        throw new UsageError(`agent cannot "${action}"`, 'keephold agent --help shows what it can');
    }
  },
});

/** Of each option, what it goes with. */
const companions: Readonly<Record<string, readonly (string | undefined)[]>> = {
  plan: ['pause', 'resume', 'later'],
  for: ['pause', 'later'],
  'read-everything': ['install'],
  service: [undefined],
};

function requireFitting(action: string | undefined, given: ReadonlySet<string>): void {
  for (const [option, actions] of Object.entries(companions)) {
    if (!given.has(option) || actions.includes(action)) continue;
    const named = actions.filter((one) => one !== undefined);
    throw new UsageError(`--${option} goes with ${named.length === 0 ? 'keephold agent alone' : named.join(', ')}`);
  }
}

async function pause(context: Context, { plan, lasts }: Wish): Promise<void> {
  const { environment } = context;
  requirePlan(context, plan);
  const from = systemClock({ wall: () => context.now() }).now();
  const made: Pause = { from, ...(plan !== undefined && { plan }), ...(lasts !== undefined && { for: lasts }) };
  const folder = new AgentFolder(environment);
  folder.make();
  folder.changePauses((pauses) => withPause(pauses, made));
  const until = lasts === undefined ? 'until keephold agent resume' : `until ${formatClock(from.wall + lasts)}`;
  await answer(context, `paused ${nameOf(plan)} ${until}`, {
    type: 'paused',
    plan: plan ?? null,
    until: lasts === undefined ? null : new Date(from.wall + lasts).toISOString(),
  });
}

async function resume(context: Context, { plan }: Wish): Promise<void> {
  requirePlan(context, plan);
  const folder = new AgentFolder(context.environment);
  folder.make();
  const isPausedAnyway = plan !== undefined && folder.pauses().some((one) => one.plan === undefined);
  folder.changePauses((pauses) => withoutPause(pauses, plan));
  await answer(context, `resumed ${nameOf(plan)}`, { type: 'resumed', plan: plan ?? null });
  if (isPausedAnyway) context.out.warn('all plans are paused, this one with them; keephold agent resume ends that');
}

async function answer(context: Context, words: string, record: JsonRecord): Promise<void> {
  const isRunning = await pokeAgent(context);
  await context.out.answer(words, { ...record, isAgentRunning: isRunning });
  if (!isRunning) context.out.note('no agent runs now; the next one holds to it');
}

/** @throws CommandError `no-plan` */
function requirePlan({ environment }: Context, plan: string | undefined): void {
  if (plan !== undefined) planNamed(readPlans(environment), plan);
}

function nameOf(plan: string | undefined): string {
  return plan === undefined ? 'all plans' : printable(plan);
}

function readTime(written: string | undefined): Goal | undefined {
  if (written === undefined) return undefined;
  const time = parseGoal(written);
  if (time !== undefined) return time;
  throw new UsageError(`--for takes a time such as 30min, 2h or 1d, not "${written}"`);
}
