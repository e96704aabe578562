/**
 * Values as PostgreSQL sends them in its text format; the driver cannot read the binary one. Its own readers are not
 * used: they make strings of BIGINT.
 */
import { SqlError, type SqlValue } from '../sql.ts';

type Reader = (text: string) => SqlValue;

/** By object id of the type (pg_type.dat): bytea, bigint, integer, text. */
const READERS: Readonly<Record<number, Reader>> = { 17: readBytes, 20: readNumber, 23: readNumber, 25: (text) => text };

export function readerOf(type: number): Reader {
  return (
    READERS[type] ??
    (() => {
      throw new SqlError('failed', `read database: a value of type ${type}`);
    })
  );
}

/** `\x0a1b`, unless somebody has set bytea_output to what it was before 2010. */
function readBytes(text: string): Uint8Array {
  if (!text.startsWith(String.raw`\x`)) throw new SqlError('failed', 'read database: bytea_output must be hex');
  // A copy of its own: small buffers are views of one that Node shares.
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}

function readNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new SqlError('damaged', 'read ledger: an integer beyond 2^53');
}
