/** The options that say how fast to upload, of a plan and of one backup. */
import { isServer } from '../access/repository-folder.ts';
import { flag, type Option, type OptionValues } from '../command-line/options.ts';
import { UsageError } from '../errors.ts';
import type { Plan } from './plan.ts';
import { LEAST_FOR_SERVERS, readUploadLimit, type UploadLimit } from './upload-limit.ts';

export const uploadOptions = {
  'limit-upload': limits({
    value: 'RATE',
    help: 'write at most this much a second, as 5MB, at some times of day as 09:00-17:00=500KB, or off (may be repeated)',
  }),
  'give-way': flag({ help: 'upload no faster than calls and other programs on the line put up with (to a server)' }),
} as const;

export const planUploadOptions = {
  ...uploadOptions,
  'no-give-way': flag({ help: 'upload as fast as the line carries' }),
} as const;

export type UploadValues = OptionValues<typeof uploadOptions>;
type PlanUploadValues = OptionValues<typeof planUploadOptions>;

export function hasUploadOptions(values: PlanUploadValues): boolean {
  return values['limit-upload'].length > 0 || values['give-way'] || values['no-give-way'];
}

/** What a plan says with these in place of what it said. @throws UsageError */
export function changedUpload(before: Partial<Plan>, values: PlanUploadValues): Pick<Plan, 'limitUpload' | 'giveWay'> {
  if (values['give-way'] && values['no-give-way'])
    throw new UsageError('--give-way and --no-give-way exclude each other', 'leave one of them out');
  const given = values['limit-upload'];
  const isOff = given.length === 1 && given[0] === 'off';
  const limitUpload = isOff ? undefined : given.length > 0 ? given : before.limitUpload;
  const givesWay = values['give-way'] || (before.giveWay === true && !values['no-give-way']);
  return { ...(limitUpload !== undefined && { limitUpload }), ...(givesWay && { giveWay: true as const }) };
}

/** As read; what is in the file of plans was checked. */
export function uploadLimits(texts: readonly string[]): readonly UploadLimit[] {
  return texts.map(readUploadLimit).filter((limit) => limit !== undefined);
}

/** @throws UsageError when the repository cannot be written to like that */
export function requireUpload(repository: string, { limitUpload = [], giveWay }: Partial<Plan>): void {
  if (giveWay === true && !isServer(repository))
    throw new UsageError(
      '--give-way is for a line to a server',
      'without a server --limit-upload limits what is written',
    );
  const low = uploadLimits(limitUpload).some(({ rate }) => rate < LEAST_FOR_SERVERS);
  if (low && isServer(repository))
    throw new UsageError(
      `a server takes no less than ${LEAST_FOR_SERVERS} bytes a second`,
      'give a higher --limit-upload',
    );
}

function limits(described: { readonly value: string; readonly help: string }): Option<readonly string[]> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: [],
    take(written = '', before, name) {
      if (readUploadLimit(written) !== undefined) return [...before, written];
      throw new UsageError(
        `--${name} takes a rate such as 5MB (at least 1000 bytes) or 09:00-17:00=500KB, not "${written}"`,
      );
    },
  };
}
