import { expect, test } from 'vitest';
import { CommandError, InterruptedError, UsageError } from './errors.ts';
import { explainError } from './explain-error.ts';

const coded = (code: string, message = 'reading failed', options?: ErrorOptions) => {
  return Object.assign(new Error(message, options), { code });
};

test.each([
  ['no-repository', 10],
  ['no-room', 11],
  ['ENOSPC', 11],
  ['EDQUOT', 11],
  ['wrong-password', 12],
  ['words-checksum', 12],
  ['missing', 13],
  ['integrity-tag', 13],
  ['rollback', 13],
  ['bad-signature', 13],
  ['damaged', 13],
  ['malformed', 13],
  ['newer-version', 1],
  ['EACCES', 1],
  ['something-new', 1],
])('%s ends with %i', (code, exitCode) => {
  expect(explainError(coded(code))).toMatchObject({ exitCode, code });
});

test('errors of the command keep what they say', () => {
  expect(explainError(new UsageError('no', 'yes'))).toEqual({ code: 'usage', message: 'no', hint: 'yes', exitCode: 2 });
  const own = new CommandError('2 items failed', { code: 'partial', exitCode: 3 });
  expect(explainError(own)).toMatchObject({ exitCode: 3, hint: undefined });
  expect(explainError(new InterruptedError()).exitCode).toBe(130);
});

test('an aborted operation is an interrupt, whoever says it', () => {
  expect(explainError(AbortSignal.abort().reason).exitCode).toBe(130);
  expect(explainError(new Error('backup ended', { cause: coded('ABORT_ERR') })).exitCode).toBe(130);
});

test('the cause decides where the outer error says nothing, and both are told', () => {
  const error = new Error('writing pack 3f failed', { cause: coded('ENOSPC', 'no space left on device') });
  expect(explainError(error)).toMatchObject({
    exitCode: 11,
    message: 'writing pack 3f failed: no space left on device',
  });
});

test('hints of the error win over general ones', () => {
  const error = Object.assign(coded('damaged'), { hint: 'restore it from the other disk' });
  expect(explainError(error).hint).toBe('restore it from the other disk');
});

test('whatever is thrown gives a sentence', () => {
  const circular = new Error('a');
  circular.cause = circular;
  for (const thrown of [circular, 'text', undefined, null, {}, new Error('')]) {
    expect(explainError(thrown)).toMatchObject({ exitCode: 1 });
    expect(explainError(thrown).message).not.toBe('');
  }
});
