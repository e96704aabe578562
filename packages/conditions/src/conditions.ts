/** The seam to what the machine says now. */
import type { Readings } from './readings.ts';

/** Nothing here throws for what the machine lacks or breaks: its reading is absent then. */
export interface Conditions extends AsyncDisposable {
  /** As last told or polled, at no cost. */
  current(): Readings;
  /** Called after `current()` changed, with no promise that it differs in what a plan asks. */
  onChange(listener: () => void): Disposable;
  /**
   * Keeps the machine from sleeping by itself until disposed; does nothing where it cannot.
   * `why` is shown to people, by systemd-inhibit --list for one.
   */
  stayAwake(why: string): Promise<AsyncDisposable>;
}
