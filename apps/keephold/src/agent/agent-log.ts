/** What the agent said, kept in its folder: the sentences that it says on standard error, without paths. */
import { type AgentEvent, withoutPaths } from '@keephold/agent';
import type { Context } from '../context.ts';
import { printable } from '../terminal/printable.ts';
import { AgentFolder } from './agent-folder.ts';
import { eventSentence } from './sentences.ts';

export interface AgentLog {
  readonly say: (sentence: string) => void;
  readonly tell: (event: AgentEvent) => void;
}

/** A log that cannot be written, on a full disk say, does not keep the agent from its work. */
export function keepLog(context: Pick<Context, 'now'>, folder: AgentFolder): AgentLog {
  const { log } = folder;
  const say = (sentence: string): void => {
    try {
      log.append(`${new Date(context.now()).toISOString()} ${withoutPaths(sentence)}`);
    } catch {
      // The next line is tried again.
    }
  };
  return {
    say,
    tell: (event) => {
      const sentence = eventSentence(event);
      if (sentence !== undefined) say(sentence);
    },
  };
}

export async function printLog({ environment, out }: Pick<Context, 'environment' | 'out'>): Promise<void> {
  const lines = new AgentFolder(environment).log.lines();
  for (const line of lines) {
    const [, at, text = line] = /^(\d{4}-[\d:T.-]+Z) (.*)$/.exec(line) ?? [];
    await out.answer(printable(line), { type: 'log', at: at ?? null, text });
  }
  if (lines.length === 0) out.note('no agent has said anything yet; keephold agent install has one run always');
}
