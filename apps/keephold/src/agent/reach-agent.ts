/** The agent of this user, however it was started: one that the system started may have another runtime folder. */
import { askAgent, type PlanState } from '@keephold/agent';
import type { AgentFolder } from './agent-folder.ts';

/** Undefined when no agent runs. @throws AgentError `not-private`, `no-answer` */
export async function askThisAgent(
  folder: AgentFolder,
  request: Parameters<typeof askAgent>[1],
): Promise<readonly PlanState[] | undefined> {
  for (const socket of folder.sockets) {
    const states = await askAgent(socket, request);
    if (states !== undefined) return states;
  }
  return undefined;
}

/** Where it answers; where one would listen when none does. */
export async function answeringSocket(folder: AgentFolder): Promise<string> {
  for (const socket of folder.sockets) if ((await askAgent(socket, 'status')) !== undefined) return socket;
  return folder.socket;
}
