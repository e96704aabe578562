/** Tells a running agent that something on the disk has changed. */
import type { Context } from '../context.ts';
import { AgentFolder } from './agent-folder.ts';
import { askThisAgent } from './reach-agent.ts';

/** Whether one runs. What could not be told is seen within a minute anyway. */
export async function pokeAgent({ environment, out }: Pick<Context, 'environment' | 'out'>): Promise<boolean> {
  try {
    return (await askThisAgent(new AgentFolder(environment), 'look')) !== undefined;
  } catch (error) {
    out.warn(`the agent was not told: ${(error as Error).message}`);
    return true;
  }
}
