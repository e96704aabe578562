/** What a plan asks of the machine before it runs, as it stands in the file of plans. */
import type { DayWindow } from './day-window.ts';

/** Every field that is there must hold; one that is absent asks nothing. */
export interface ConditionRules {
  /** Never on battery, however full. */
  readonly onMains?: true;
  /** On battery only above this charge, 0 to 1. */
  readonly batteryAbove?: number;
  /** A network is needed: derived from where the plan backs up to, never written in the file. */
  readonly online?: true;
  /** Not over a network that costs by volume; one that does not tell counts as such. */
  readonly unmetered?: true;
  /** The names of Wi-Fi networks that may be used; a cable may always. */
  readonly wifi?: readonly string[];
  readonly notOnVpn?: true;
  /** Only while nobody sits before the machine: idle or locked. */
  readonly idle?: true;
  /** A run begins only below this number of runnable tasks for each core. */
  readonly loadBelow?: number;
  /** In degrees Celsius. */
  readonly coolerThan?: number;
  /** In the local time of day; in one of these at least. */
  readonly between?: readonly DayWindow[];
}

/**
 * Of a plan that says nothing: what a phone does, less its waiting for the night. A run is gentle enough to go while the
 * machine is used, and a battery that is more than a third full lasts for it.
 */
export const defaultRules: ConditionRules = { batteryAbove: 0.4 };
export const defaultRulesOverNetwork: ConditionRules = { ...defaultRules, unmetered: true };
