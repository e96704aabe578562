/** A stretch of the local day, "22:00-06:00": may pass midnight; its end is no part of it. */

declare const brand: unique symbol;
export type DayWindow = string & { readonly [brand]: 'DayWindow' };

const form = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/** Nothing when the text is none, or one of no length. */
export function parseDayWindow(text: string): DayWindow | undefined {
  if (!form.test(text)) return undefined;
  const window = text as DayWindow;
  const { from, to } = minutesOf(window);
  return from === to ? undefined : window;
}

export function isWithin(window: DayWindow, now: Date): boolean {
  const { from, to } = minutesOf(window);
  const minute = now.getHours() * 60 + now.getMinutes();
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** The next moment after `now` at which the window opens, in local time whatever the clock skips or repeats. */
export function nextStart(window: DayWindow, now: Date): Date {
  return nextTime(minutesOf(window).from, now);
}

/** When one of them next opens or closes; undefined when there is none. */
export function nextEdge(windows: readonly DayWindow[] | undefined, now: Date): Date | undefined {
  const edges = (windows ?? []).map(minutesOf).flatMap(({ from, to }) => [nextTime(from, now), nextTime(to, now)]);
  return edges.reduce<Date | undefined>(
    (first, edge) => (first === undefined || edge < first ? edge : first),
    undefined,
  );
}

function nextTime(minutes: number, now: Date): Date {
  const time = new Date(now);
  time.setHours(Math.floor(minutes / 60), minutes % 60, 0, 0);
  if (time <= now) {
    time.setDate(time.getDate() + (minutes < 24 * 60 ? 1 : 0));
    time.setHours(Math.floor(minutes / 60), minutes % 60, 0, 0);
  }
  return time;
}

function minutesOf(window: DayWindow): { readonly from: number; readonly to: number } {
  const [from = '', to = ''] = window.split('-');
  return { from: minute(from), to: minute(to) };
}

function minute(text: string): number {
  const [hours = '', minutes = ''] = text.split(':');
  return Number(hours) * 60 + Number(minutes);
}
