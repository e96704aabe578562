/**
 * What a plan is, and its form in the file of plans: JSON that people may edit. Strict: a field that is unknown, missing
 * or of the wrong kind is refused and named, so that a slip of the pen never leaves a folder out in silence.
 *
 *     { "version": 1, "plans": [{ "name": "home", "repository": "/media/disk/backup", "folders": ["/home/ann"],
 *       "excludes": ["*.iso"], "conditions": { "batteryAbove": 0.4, "unmetered": true }, "goal": "24h",
 *       "limitUpload": ["2MB", "09:00-17:00=500KB"], "giveWay": true }] }
 */
import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { parseGoal } from '@keephold/agent';
import { type ConditionRules, ConditionsError, readRules } from '@keephold/conditions';
import { isServer } from '../access/repository-folder.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { readUploadLimit } from './upload-limit.ts';

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
  /** How fast it may upload, as 2MB or 09:00-17:00=500KB (upload-limit.ts); as fast as it can when it says nothing. */
  readonly limitUpload?: readonly string[];
  /** Whether uploads to a server make room for what else uses the line. */
  readonly giveWay?: true;
}

const VERSION = 1;
const planFields = ['name', 'repository', 'folders', 'excludes'];
const optionalFields = ['conditions', 'goal', 'limitUpload', 'giveWay'];

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
  const { name, repository, conditions, goal, limitUpload, giveWay } = plan;
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
    ...(limitUpload !== undefined && { limitUpload: readLimits(limitUpload, where) }),
    ...(giveWay !== undefined && { giveWay: readGiveWay(giveWay, where) }),
  };
}

function readLimits(value: unknown, where: string): readonly string[] {
  const limits = readTexts(value, `${where}: "limitUpload"`);
  const wrong = limits.find((limit) => readUploadLimit(limit) === undefined);
  if (wrong === undefined) return limits;
  throw malformed(`${where}: in "limitUpload", "${wrong}" is neither as "2MB" nor as "09:00-17:00=500KB"`);
}

function readGiveWay(value: unknown, where: string): true {
  if (value === true) return value;
  throw malformed(`${where}: "giveWay" is not true, and is left out where it is not`);
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
