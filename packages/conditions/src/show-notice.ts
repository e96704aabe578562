/** Tells whoever sits before the machine, for what cannot wait until somebody asks. */
import type { Notice } from './linux/desktop-notice.ts';

interface Desk {
  readonly platform: NodeJS.Platform;
  /** The address of the session's bus; undefined where there is no session. */
  readonly sessionBus: string | undefined;
}

/** What the notice is called, for a later one that replaces it; nothing when nobody could be told. Never throws. */
export async function showNotice({ platform, sessionBus }: Desk, notice: Notice): Promise<number | undefined> {
  if (platform !== 'linux' || sessionBus === undefined) return undefined;
  const { showDesktopNotice } = await import('./linux/desktop-notice.ts');
  return showDesktopNotice(sessionBus, notice);
}
