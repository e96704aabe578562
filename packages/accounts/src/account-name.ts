/** What a person types to say who they are: an e-mail address or a name. Compared in one spelling. */
import { AccountsError } from './errors.ts';

const LONGEST = 254;
/** Letters, digits and what e-mail addresses have; nothing that looks like something else in a list. */
const ALLOWED = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._%+@-]*$/u;

/** @throws AccountsError `malformed` */
export function normalName(name: string): string {
  if (name.length > LONGEST) throw new AccountsError('malformed');
  const normal = name.normalize('NFKC').trim().toLowerCase();
  if (normal.length > LONGEST || !ALLOWED.test(normal)) throw new AccountsError('malformed');
  return normal;
}
