/** Why one item could not be restored, small enough to travel between threads. */

export interface ItemFailure {
  /** System or target error code, for example EACCES; empty when there is none. */
  readonly code: string;
  readonly reason: string;
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

export function failureOf(cause: unknown): ItemFailure {
  const error = cause as { readonly code?: unknown; readonly message?: unknown } | null;
  const code = typeof error?.code === 'string' ? error.code : '';
  return { code, reason: typeof error?.message === 'string' ? error.message : String(cause) };
}

/** Whether nothing more can be written: the whole restore ends then. */
export function isNoRoom(failure: ItemFailure): boolean {
  return NO_ROOM.has(failure.code);
}
