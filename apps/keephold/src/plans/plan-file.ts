/** The file of plans, among the user's settings: read whole, written whole. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../access/private-file.ts';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { formatPlans, type Plan, parsePlans } from './plan.ts';

type Place = Pick<Environment, 'folders'>;

export function planFilePath({ folders }: Place): string {
  return join(folders.config, 'plans.json');
}

/** None when there is no file. */
export function readPlans(environment: Place): Plan[] {
  try {
    return parsePlans(readFileSync(planFilePath(environment), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function writePlans(environment: Place, plans: readonly Plan[]): void {
  const text = formatPlans(plans);
  // What could not be read again must not take the place of what can.
  parsePlans(text);
  writePrivateFile(planFilePath(environment), new TextEncoder().encode(text));
}

/** @throws CommandError `no-plan` */
export function planNamed(plans: readonly Plan[], name: string): Plan {
  const plan = plans.find((one) => one.name === name);
  if (plan !== undefined) return plan;
  throw new CommandError(`there is no plan "${name}"`, {
    code: 'no-plan',
    exitCode: exitCodes.failed,
    hint: 'keephold plan list shows them',
  });
}
