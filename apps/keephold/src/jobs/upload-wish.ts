/** How fast a run may upload: as it was told, or as its plan says, whenever somebody edits that. */
import { type Stats, statSync } from 'node:fs';
import type { UploadWish } from '../access/write-limit.ts';
import type { Context } from '../context.ts';
import type { Plan } from '../plans/plan.ts';
import { planFilePath, readPlans } from '../plans/plan-file.ts';
import { type UploadValues, uploadLimits } from '../plans/upload-options.ts';

/** Milliseconds in which an edit of a plan is seen. */
const LOOKS_EVERY = 1000;

export function uploadWish(
  { environment }: Pick<Context, 'environment'>,
  values: UploadValues,
  plan: Plan | undefined,
): () => UploadWish {
  const given = uploadLimits(values['limit-upload']);
  const wishOf = (followed: Plan | undefined): UploadWish => ({
    limits: given.length > 0 ? given : uploadLimits(followed?.limitUpload ?? []),
    givesWay: values['give-way'] || followed?.giveWay === true,
  });
  let wish = wishOf(plan);
  if (plan === undefined) return () => wish;
  let lookedAt = performance.now();
  let seen = markOf(planFilePath(environment));
  return () => {
    const now = performance.now();
    if (now - lookedAt < LOOKS_EVERY) return wish;
    lookedAt = now;
    const mark = markOf(planFilePath(environment));
    if (mark === seen) return wish;
    seen = mark;
    // A plan that was removed, or that cannot be read now, holds as it was.
    const edited = planNow(environment, plan.name);
    if (edited !== undefined) wish = wishOf(edited);
    return wish;
  };
}

function planNow(environment: Context['environment'], name: string): Plan | undefined {
  try {
    return readPlans(environment).find((plan) => plan.name === name);
  } catch {
    return undefined;
  }
}

function markOf(path: string): string {
  const stat: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
