/** `keephold status`: how things are with every plan, in one sentence each. */
import { type AgentEvent, type PlanState, readLedger, watchAgent } from '@keephold/agent';
import { AgentFolder } from '../agent/agent-folder.ts';
import { statesWithoutAgent } from '../agent/agent-plans.ts';
import { answeringSocket, askThisAgent } from '../agent/reach-agent.ts';
import { entrySentence, eventSentence, stateSentence } from '../agent/sentences.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { formatClock } from '../terminal/units.ts';

export const status: Command = defineCommand({
  name: 'status',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Says of every plan when it was last backed up, when it will be next, and if it does not run although it is due, why. Right also when no agent runs; backups that were started by hand with --plan count too.',
    'With --watch it goes on and tells what the agent does, with live progress, until Ctrl-C. With --history it lists what happened: when backups ran, what held them back and from when on, when the machine was asleep or no agent ran.',
  ],
  options: {
    watch: flag({ short: 'w', help: 'go on, and show what the agent does' }),
    history: flag({ help: 'list what happened, oldest first' }),
  },
  examples: [
    { command: 'keephold status', says: 'one sentence a plan' },
    { command: 'keephold status --watch', says: 'live' },
    { command: "keephold status --json | jq -r 'select(.isOverdue) | .plan'", says: 'what is overdue, for a monitor' },
  ],
  async run(context, { options }) {
    if (options.watch && options.history) throw new UsageError('--watch and --history exclude each other');
    if (options.history) await history(context);
    else if (options.watch) await watch(context);
    else await once(context);
    return exitCodes.done;
  },
});

async function once(context: Context): Promise<void> {
  const { environment } = context;
  const answered = await askThisAgent(new AgentFolder(environment), 'look');
  await tellStates(context, answered ?? statesWithoutAgent(context), answered !== undefined);
}

async function tellStates({ out }: Context, states: readonly PlanState[], hasAgent: boolean): Promise<void> {
  for (const state of states) await out.answer(stateSentence(state), { type: 'plan', hasAgent, ...state });
  if (states.length === 0) out.note('there is no plan; keephold plan add NAME makes one');
  else if (!hasAgent)
    out.note('no agent runs, so nothing is backed up by itself; keephold agent install has one run always');
}

async function history({ environment, out }: Context): Promise<void> {
  const entries = readLedger(new AgentFolder(environment).ledger);
  for (const entry of entries)
    await out.answer(`${formatClock(entry.at.wall)}  ${entrySentence(entry)}`, { type: 'history', ...entry });
  if (entries.length === 0) out.note('nothing has happened yet: no agent has run');
}

async function watch(context: Context): Promise<void> {
  const { environment, out, signal } = context;
  let line: ProgressLine | undefined;
  let hasAgent = false;
  try {
    for await (const answer of watchAgent(await answeringSocket(new AgentFolder(environment)), signal)) {
      if (answer.type === 'status') {
        hasAgent = true;
        await tellStates(context, answer.plans, true);
        await out.flush();
        continue;
      }
      if (answer.type === 'progress') {
        line ??= new ProgressLine(out, `backing up ${answer.plan}`);
        line.update(answer);
      } else if (answer.type === 'run-ended') {
        line?.end();
        line = undefined;
      }
      await tellEvent(context, answer);
      // It may be long until the next.
      await out.flush();
    }
  } finally {
    line?.end();
  }
  if (!hasAgent) await tellStates(context, statesWithoutAgent(context), false);
  if (!signal.aborted) throw nothingToWatch(hasAgent);
}

async function tellEvent(context: Context, event: AgentEvent): Promise<void> {
  const { out } = context;
  if (out.json) return await out.record({ ...event });
  const sentence = eventSentence(event);
  if (sentence !== undefined) await out.result(`${formatClock(context.now())}  ${sentence}`);
}

function nothingToWatch(hadAgent: boolean): CommandError {
  return new CommandError(hadAgent ? 'the agent has ended' : 'no agent runs, so there is nothing to watch', {
    code: 'no-agent',
    exitCode: exitCodes.failed,
    hint: 'keephold agent starts one',
  });
}
