/** What PostgreSQL and its driver throw, in the words of the SQL seam. Texts are kept, parameters and addresses of users are not in them. */
import { SqlError, type SqlErrorCode } from '../sql.ts';

/** SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html), whole or by class. */
const STATES: Readonly<Record<string, SqlErrorCode>> = {
  '08': 'unavailable',
  '25006': 'unavailable', // a standby: its primary is elsewhere
  '25P03': 'unavailable', // the transaction was idle for too long
  '28': 'no-permission',
  '3D000': 'no-permission', // no such database
  '42501': 'no-permission',
  '53100': 'no-room',
  '53': 'unavailable', // no memory, too many connections
  '55P03': 'busy',
  '57': 'unavailable', // shut down, crashed, starting
  '58': 'unavailable',
};
/** Serialization failure, deadlock, and a key that another transaction made meanwhile. */
const MEETINGS: ReadonlySet<string> = new Set(['40001', '40P01', '23505']);
const NETWORK =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)|connection terminated|timeout|not queryable/i;

export function asSqlError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SqlError) return error;
  const code = codeOf(error);
  return code === undefined ? error : new SqlError(code, `use database: ${error.message}`, { cause: error });
}

/** Undefined: it is not the database's. */
function codeOf(error: Error): SqlErrorCode | undefined {
  const state = stateOf(error);
  if (state !== undefined && /^[0-9A-Z]{5}$/.test(state) && 'severity' in error) {
    return STATES[state] ?? STATES[state.slice(0, 2)] ?? 'failed';
  }
  return NETWORK.test(state ?? error.message) ? 'unavailable' : undefined;
}

/** Whether the same work may succeed when it runs again, because it only met another. */
export function hasMetAnother(error: unknown): boolean {
  return MEETINGS.has(stateOf(error instanceof SqlError ? error.cause : error) ?? '');
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof SqlError && error.code === 'unavailable';
}

function stateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
