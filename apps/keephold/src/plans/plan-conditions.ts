/** What a plan asks of the machine: as it holds, and in words. */
import {
  type Blocker,
  blockersOf,
  type ConditionRules,
  type Conditions,
  defaultRules,
  defaultRulesOverNetwork,
  openConditions,
} from '@keephold/conditions';
import { isServer } from '../access/repository-folder.ts';
import type { Environment } from '../environment.ts';
import type { Plan } from './plan.ts';

/** The rules of a plan that says nothing of them. */
export function usualRules(repository: string): ConditionRules {
  return isOverNetwork(repository) ? defaultRulesOverNetwork : defaultRules;
}

/** All that must hold before the plan runs by itself. */
export function rulesOf({ repository, conditions }: Plan): ConditionRules {
  const rules = conditions ?? usualRules(repository);
  return isOverNetwork(repository) ? { ...rules, online: true } : rules;
}

/** Why the plan would not run at this moment; nothing when it would. */
export async function blockersNow(
  environment: Pick<Environment, 'systemBus'>,
  plan: Plan,
  now: Date,
): Promise<readonly Blocker[]> {
  await using conditions = await openMachine(environment);
  return blockersOf(rulesOf(plan), conditions.current(), now);
}

/** What the machine says of itself. */
export function openMachine({ systemBus }: Pick<Environment, 'systemBus'>): Promise<Conditions> {
  return openConditions({ platform: process.platform, busAddress: systemBus, userId: process.getuid?.() ?? 0 });
}

/** One sentence for each rule, in the order of the options that set them. */
export function rulesInWords(rules: ConditionRules): readonly string[] {
  const { onMains, batteryAbove, wifi, loadBelow, coolerThan, between } = rules;
  const above = batteryAbove === undefined ? '' : ` above ${Math.round(batteryAbove * 100)}%`;
  return [
    onMains && 'on mains',
    onMains === undefined && batteryAbove !== undefined && `on mains, or on battery${above}`,
    rules.unmetered && 'not over a metered network',
    wifi && `by cable, or on the Wi-Fi ${wifi.map((name) => `"${name}"`).join(' or ')}`,
    rules.notOnVpn && 'not on a VPN',
    rules.idle && 'while nobody uses the machine',
    loadBelow !== undefined && `while fewer than ${loadBelow} tasks run for each core`,
    coolerThan !== undefined && `cooler than ${coolerThan} °C`,
    between && `between ${between.join(' or ')}`,
  ].filter((words) => typeof words === 'string');
}

function isOverNetwork(repository: string): boolean {
  return isServer(repository) && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(repository).hostname);
}
