/**
 * What a plan is, and its form in the file of plans: JSON that people may edit. Strict: a field that is unknown, missing
 * or of the wrong kind is refused and named, so that a slip of the pen never leaves a folder out in silence.
 *
 *     { "version": 1, "plans": [{ "name": "home", "repository": "/media/disk/backup", "folders": ["/home/ann"],
 *       "excludes": ["*.iso"], "conditions": { "batteryAbove": 0.4, "unmetered": true }, "goal": "24h" }] }
 */
import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { parseGoal } from '@keephold/agent';
import { type ConditionRules, ConditionsError, readRules } from '@keephold/conditions';
import { isServer } from '../access/repository-folder.ts';
import { CommandError, exitCodes } from '../errors.ts';

export interface Plan {
  readonly name: string;
  /** The absolute path of a folder, or the origin of a server. */
  readonly repository: string;
  /** Absolute paths, one at least. */
  readonly folders: readonly string[];
  /** In gitignore syntax. */
  readonly excludes: readonly string[];
  /** What it asks of the machine before it runs by itself; what is usual for its repository when it says nothing. */
  readonly conditions?: ConditionRules;
  /** How old its newest backup may become, as 24h; a day when it says nothing. */
  readonly goal?: string;
}

const VERSION = 1;
const planFields = ['name', 'repository', 'folders', 'excludes'];
const optionalFields = ['conditions', 'goal'];

export function formatPlans(plans: readonly Plan[]): string {
  return `${JSON.stringify({ version: VERSION, plans }, null, 2)}\n`;
}

/** @throws CommandError `plans-malformed` or `plans-newer` */
export function parsePlans(text: string): Plan[] {
  const file = asRecord(parseJson(text), 'the file');
  if (typeof file['version'] === 'number' && file['version'] > VERSION) throw newer(file['version']);
  if (file['version'] !== VERSION) throw malformed(`"version" is not ${VERSION}`);
  requireFields(file, ['version', 'plans'], 'the file');
  if (!Array.isArray(file['plans'])) throw malformed('"plans" is not a list');
  const plans = file['plans'].map((plan: unknown, at) => readPlan(plan, `plan ${at + 1}`));
  const twice = plans.find(({ name }, at) => plans.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) throw malformed(`two plans are called "${twice.name}"`);
  return plans;
}

/** Of what it backs up and where to. */
export function planMark({ repository, folders }: Plan): string {
  return createHash('sha256')
    .update(JSON.stringify([repository, folders]))
    .digest('hex')
    .slice(0, 16);
}

export function isPlanName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name);
}

function readPlan(value: unknown, where: string): Plan {
  const plan = asRecord(value, where);
  requireFields(plan, planFields, where, optionalFields);
  const { name, repository, conditions, goal } = plan;
  if (typeof name !== 'string' || !isPlanName(name)) throw malformed(`${where}: "name" is no name of a plan`);
  if (typeof repository !== 'string' || !(isAbsolute(repository) || isServer(repository)))
    throw malformed(`${where}: "repository" is neither an absolute path nor https://SERVER`);
  const folders = readTexts(plan['folders'], `${where}: "folders"`);
  if (folders.length === 0) throw malformed(`${where}: "folders" is empty`);
  const relative = folders.find((folder) => !isAbsolute(folder));
  if (relative !== undefined) throw malformed(`${where}: the folder "${relative}" is no absolute path`);
  return {
    name,
    repository,
    folders,
    excludes: readTexts(plan['excludes'], `${where}: "excludes"`),
    ...(conditions !== undefined && { conditions: readConditions(conditions, where) }),
    ...(goal !== undefined && { goal: readGoal(goal, where) }),
  };
}

function readGoal(value: unknown, where: string): string {
  if (typeof value === 'string' && parseGoal(value) !== undefined) return value;
  throw malformed(`${where}: "goal" is no time such as "90min", "24h" or "7d"`);
}

function readConditions(value: unknown, where: string): ConditionRules {
  try {
    return readRules(value);
  } catch (error) {
    if (!(error instanceof ConditionsError)) throw error;
    throw malformed(`${where}: in "conditions", ${error.message}`, error);
  }
}

function readTexts(value: unknown, what: string): string[] {
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string' && item !== ''))
    return value;
  throw malformed(`${what} is not a list of texts`);
}

function requireFields(
  record: Readonly<Record<string, unknown>>,
  fields: readonly string[],
  where: string,
  optional: readonly string[] = [],
): void {
  const unknown = Object.keys(record).find((name) => !fields.includes(name) && !optional.includes(name));
  if (unknown !== undefined) throw malformed(`${where}: there is no field "${unknown}"`);
  const missing = fields.find((name) => !Object.hasOwn(record, name));
  if (missing !== undefined) throw malformed(`${where}: "${missing}" is missing`);
}

function asRecord(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw malformed(`${what} is not an object`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

function malformed(why: string, cause?: unknown): CommandError {
  return new CommandError(`the plans cannot be read: ${why}`, {
    code: 'plans-malformed',
    exitCode: exitCodes.failed,
    hint: 'correct plans.json by hand, or move it away and make the plans again',
    cause,
  });
}

function newer(version: number): CommandError {
  return new CommandError(`the plans were written by a later version of Keephold (form ${version})`, {
    code: 'plans-newer',
    exitCode: exitCodes.failed,
    hint: 'update Keephold on this device',
  });
}
