/** Failures of places where bytes lie. Expected outcomes (a name that is not there, one that exists) are values. */

export type BackendErrorCode =
  | 'no-room' // disk full or quota
  | 'no-permission'
  | 'read-only'
  | 'bad-name' // the caller's mistake: not a name this seam allows
  | 'unfit' // the place lacks what the seam needs
  | 'io'; // the medium failed; the cause says how

export class BackendError extends Error {
  readonly code: BackendErrorCode;
  /** Whether trying again without changing anything is pointless. */
  readonly permanent: boolean;

  constructor(code: BackendErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackendError';
    this.code = code;
    this.permanent = code !== 'io';
  }
}

const CODE_OF_ERRNO: Readonly<Record<string, BackendErrorCode>> = {
  ENOSPC: 'no-room',
  EDQUOT: 'no-room',
  EFBIG: 'no-room',
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EROFS: 'read-only',
};

/** The system's name of an error (`ENOENT`), undefined when it has none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Wraps what the file system threw; errors of this package and aborts pass unchanged. */
export function asBackendError(error: unknown, action: string): unknown {
  if (error instanceof BackendError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const code = CODE_OF_ERRNO[errnoOf(error) ?? ''] ?? 'io';
  const cause = error instanceof Error ? error.message : String(error);
  return new BackendError(code, `${action}: ${cause}`, { cause: error });
}
