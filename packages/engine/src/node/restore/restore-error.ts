/** Why a whole restore ended early. Codes are stable: exit codes follow from them. */
import type { RestoreReport } from './account.ts';

export type RestoreErrorCode = 'no-room';

export class RestoreError extends Error {
  readonly code: RestoreErrorCode;
  /** What was done until then. Running the restore again goes on from there. */
  readonly report: RestoreReport;
  constructor(code: RestoreErrorCode, message: string, report: RestoreReport) {
    super(message);
    this.name = 'RestoreError';
    this.code = code;
    this.report = report;
  }
}
