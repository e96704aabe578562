import { getSystemErrorName } from 'node:util';

/** Name of an answer −errno, for example EACCES. */
export function errorCode(answer: number): string {
  try {
    return getSystemErrorName(answer);
  } catch {
    return `E${-answer}`;
  }
}
