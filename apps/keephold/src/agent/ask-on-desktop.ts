/** Asks the user on the desktop because of a plan that is held back for too long: one notice a plan, the newest. */
import type { AgentEvent } from '@keephold/agent';
import { showNotice } from '@keephold/conditions';
import type { Context } from '../context.ts';
import { askNotice } from './sentences.ts';

export function askOnDesktop({ environment }: Pick<Context, 'environment'>): (event: AgentEvent) => void {
  const { sessionBus } = environment;
  const shown = new Map<string, number | undefined>();
  return (event) => {
    if (event.type !== 'needs-you') return;
    const replaces = shown.get(event.plan);
    // Where there is no desktop, the log and keephold status say it.
    void showNotice({ platform: process.platform, sessionBus }, { ...askNotice(event), replaces }).then((notice) => {
      shown.set(event.plan, notice);
    });
  };
}
