/** Puts the agent together, and runs it until it is to stop. */
import {
  Agent,
  type AgentEvent,
  ControlServer,
  childRunner,
  Ledger,
  lockSingleAgent,
  systemClock,
} from '@keephold/agent';
import type { Context } from '../context.ts';
import { openMachine } from '../plans/plan-conditions.ts';
import { formatClock } from '../terminal/units.ts';
import { AgentFolder } from './agent-folder.ts';
import { keepLog } from './agent-log.ts';
import { agentPlans } from './agent-plans.ts';
import { askOnDesktop } from './ask-on-desktop.ts';
import { PlanJournals } from './plan-journals.ts';
import { watchProgram } from './program-mark.ts';
import { askThisAgent } from './reach-agent.ts';
import { eventSentence, stateSentence } from './sentences.ts';
import { thisCommand } from './this-command.ts';

export interface AgentRole {
  /** Whether the system started it, and does so again when it ends to be. */
  readonly isService: boolean;
}

/** Whether it ends to be started again, in the place of this one. @throws AgentError `agent-runs` */
export async function runAgent(context: Context, { isService }: AgentRole): Promise<boolean> {
  const { environment, signal, out } = context;
  const folder = new AgentFolder(environment);
  folder.make();
  using _lock = await lockSingleAgent(folder.lock, async () => (await askThisAgent(folder, 'status')) !== undefined);
  await using conditions = await openMachine(environment);
  const log = keepLog(context, folder);
  log.say(`agent ${context.version} begins`);
  const listeners = [log.tell, logTo(context), askOnDesktop(context)];
  const tell = (event: AgentEvent): void => {
    for (const listener of listeners) listener(event);
  };
  await using journals = new PlanJournals(context, (message) => tell({ type: 'trouble', message }));
  const renewal = Promise.withResolvers<true>();
  const isReplaced = watchProgram(() => process.argv[1]);
  const agent = new Agent({
    clock: systemClock({ wall: () => context.now() }),
    conditions,
    files: filesOf(context, folder),
    ledger: new Ledger(folder.ledger),
    runner: childRunner({ ...thisCommand(), changesOf: (plan) => journals.before(plan) }),
    onEvent: (event) => {
      if (event.type === 'run-ended') journals.after(event.plan, event.run);
      tell(event);
    },
    isReplaced: isService ? isReplaced : once(isReplaced, () => tell({ type: 'trouble', message: REPLACED })),
    ...(isService && { onRenewal: () => renewal.resolve(true) }),
  });
  await using control = await ControlServer.listen(folder.socket, agent);
  listeners.push((event) => control.tell(event));
  await out.record({ type: 'agent', pid: process.pid, version: context.version });
  await out.flush();
  if (agentPlans(environment).length === 0) out.note('there is no plan yet; keephold plan add NAME makes one');
  agent.start();
  if (!out.json) for (const state of agent.states()) out.note(`${formatClock(context.now())} ${stateSentence(state)}`);
  const isRenewed = (await Promise.race([aborted(signal), renewal.promise])) === true;
  await agent.stop();
  log.say(isRenewed ? 'agent ends, to be started again as another version' : 'agent ends');
  return isRenewed;
}

const REPLACED = 'another version of Keephold was installed: end this agent and start it again';

/** Tells it the first time, and answers no: it goes on. */
function once(isSo: () => boolean, tell: () => void): () => boolean {
  let isTold = false;
  return () => {
    if (!isTold && isSo()) {
      isTold = true;
      tell();
    }
    return false;
  };
}

function filesOf({ environment }: Context, folder: AgentFolder): ConstructorParameters<typeof Agent>[0]['files'] {
  return {
    plans: () => agentPlans(environment),
    pauses: () => folder.pauses(),
    runs: () => folder.runs(),
    addRun: (plan, record) => folder.addRun(plan, record),
    lastAlive: () => folder.lastAlive(),
    keepAlive: (now) => folder.keepAlive(now),
  };
}

/** Lines with the time on standard error, or records on standard output. It never fails: nobody may be there to read. */
function logTo(context: Context): (event: AgentEvent) => void {
  const { out } = context;
  let telling = Promise.resolve();
  return (event) => {
    const sentence = eventSentence(event);
    if (sentence === undefined) return;
    if (!out.json) return out.error(`${formatClock(context.now())} ${sentence}`);
    telling = telling
      .then(() => out.record({ ...event }))
      .then(
        () => out.flush(),
        () => undefined,
      )
      .catch(() => undefined);
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}
