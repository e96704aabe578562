/** Turns what lower layers throw into the errors of the Custody seam, once, at its edge. */
import { BackendError, type BackendErrorCode } from '@keephold/backend';
import {
  ChainError,
  CustodyError,
  type CustodyErrorCode,
  isKeychainDamage,
  MalformedRecordError,
} from '@keephold/protocol';
import { SqlError, type SqlErrorCode } from './ledger/sql.ts';

const FROM_BACKEND: Readonly<Record<BackendErrorCode, CustodyErrorCode>> = {
  'no-room': 'no-room',
  'no-permission': 'no-permission',
  'read-only': 'read-only',
  'bad-name': 'refused',
  unfit: 'refused',
  io: 'unavailable',
};

const FROM_SQL: Readonly<Record<SqlErrorCode, CustodyErrorCode>> = {
  busy: 'unavailable',
  unavailable: 'unavailable',
  'no-permission': 'no-permission',
  'newer-version': 'newer-version',
  damaged: 'damaged',
  'no-room': 'no-room',
  'read-only': 'read-only',
  failed: 'unavailable',
};

export function asCustodyError(error: unknown): unknown {
  if (error instanceof BackendError) return new CustodyError(FROM_BACKEND[error.code], error.message, { cause: error });
  if (error instanceof SqlError) return new CustodyError(FROM_SQL[error.code], error.message, { cause: error });
  return error;
}

/** Runs `work`, which reads a record that a caller sent: what is wrong with it is the caller's doing. */
export function refusingMalformed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof MalformedRecordError || error instanceof ChainError) {
      throw new CustodyError('refused', error.message, { cause: error });
    }
    throw error;
  }
}

/** Runs `work`, which reads the keychain entry called `name`: unless it is another history, what is wrong is damage. */
export function findingKeychainDamage<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isKeychainDamage(error)) throw error;
    throw new CustodyError('keychain-damaged', `read ${name}: ${error.message}`, { cause: error });
  }
}

/** Runs `work`, which reads a record that was stored: what is wrong with it is damage. */
export function findingDamage<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof MalformedRecordError) {
      throw new CustodyError('damaged', `read ${name}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
