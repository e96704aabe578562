/** What must never be, whatever was done to a repository: wrong bytes, losses that are not told, bugs. */
import type { Outcome } from './_damaged-home.ts';

/** 12: none of the slots is left that the password opens. */
const EXIT_CODES: readonly number[] = [0, 3, 12, 13];
const BUG = /RangeError|TypeError|SyntaxError|undefined is not|\bat .*\.[jt]s:\d/;

/** Empty: all of it is honest. `older`: files that an older snapshot does not have, where that may be the newest left. */
export function dishonesties(outcome: Outcome, older: readonly string[] = []): readonly string[] {
  const { check, restore, wrong, unnamed } = outcome;
  const found: string[] = [];
  if (wrong.length > 0) found.push(`restored with other bytes: ${wrong.join(' ')}`);
  for (const [name, ran] of Object.entries({ check, restore })) {
    if (!EXIT_CODES.includes(ran.code)) found.push(`${name} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
    if (BUG.test(`${ran.stdout}${ran.stderr}`)) found.push(`a bug shows in ${name}: ${ran.stdout}${ran.stderr}`);
  }
  const isOpen = restore.code === 0 || restore.code === 3;
  const lost = isOpen ? unnamed.filter((name) => !older.includes(name)) : [];
  if (lost.length > 0) found.push(`lost and not named: ${lost.join(' ')} (${restore.stdout}${restore.stderr})`);
  return found;
}
