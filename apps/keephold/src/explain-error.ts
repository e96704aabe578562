/**
 * Turns any error into what the user sees: a stable code, a sentence, what to do next, and the exit code of product.md.
 * Packages are known here by the codes of their errors, not by their classes, so that reporting loads none of them.
 */
import { CommandError, type ExitCode, exitCodes } from './errors.ts';

export interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
}

interface Rule {
  readonly exitCode: ExitCode;
  /** In place of the error's own message, where that speaks to developers. */
  readonly says?: string;
  readonly hint?: string;
}

const { failed, usage, noRepository, noRoom, wrongKey, damaged, interrupted } = exitCodes;
const runCheck =
  'keephold check tells what is affected, and everything else can still be restored; keephold heal --from mends from another copy';
const spaceHint = 'what was stored before is intact; free some space, then run the same again';
const permissionHint = 'check who owns it and what it permits';
const historyHint =
  'it may be an old copy, or somebody changed it; look for the newest copy before you go on. Where the folder was put back from a copy on purpose: keephold repair --accept-history';
const olderHint =
  'it may be an old copy, or somebody put an old state in its place; look for the newest copy before you go on. To read this one as it is: --older-copy. Where the folder was put back from a copy on purpose: keephold repair --accept-history';
const keychainHint =
  'it rotted, or somebody changed it; no data is lost by that. keephold heal writes it back on a machine that has used this repository, and keephold heal --from takes it from another copy; until then such a machine reads and backs up as before';
const wordsHint = 'check spelling and order of the 24 words';
const updateHint = 'update Keephold on this device';

const stop: Rule = { exitCode: interrupted };
const broken: Rule = { exitCode: damaged, hint: runCheck };
const tampered: Rule = { exitCode: damaged, hint: historyHint };
const wrongWords: Rule = { exitCode: wrongKey, hint: wordsHint };

/** By `code`, of our packages and of the system. */
const rules: Readonly<Record<string, Rule>> = {
  'no-repository': {
    exitCode: noRepository,
    hint: 'keephold init creates one; --repo or KEEPHOLD_REPO names its folder',
  },
  'newer-version': { exitCode: failed, hint: updateHint },
  'history-newer': { exitCode: failed, hint: updateHint },
  'downgrade-version': { exitCode: failed, hint: updateHint },
  'downgrade-suite': { exitCode: failed, hint: updateHint },
  'downgrade-argon2': tampered,
  'argon2-failed': { exitCode: failed, hint: 'unlocking needs 128 MB of free memory for a moment' },
  'no-room': { exitCode: noRoom, hint: spaceHint },
  'no-permission': { exitCode: failed, hint: permissionHint },
  'read-only': {
    exitCode: failed,
    hint: 'what the repository lies on cannot be written now; everything that reads works',
  },
  unavailable: { exitCode: failed, hint: 'try again in a while' },
  'wrong-password': {
    exitCode: wrongKey,
    says: 'that password, or those words, does not open this repository',
    hint: 'wherever a password is asked for, the 24 recovery words can be given',
  },
  'words-count': wrongWords,
  'words-unknown': wrongWords,
  'words-checksum': wrongWords,
  damaged: broken,
  missing: broken,
  malformed: broken,
  'integrity-tag': broken,
  'integrity-key-check': broken,
  'integrity-padding': broken,
  'integrity-place': broken,
  'keychain-damaged': { exitCode: damaged, hint: keychainHint },
  'keyring-missing': broken,
  'keyring-damaged': broken,
  'session-chain': broken,
  'account-mismatch': tampered,
  rollback: { exitCode: damaged, hint: olderHint },
  fork: tampered,
  gap: tampered,
  'bad-signature': tampered,
  unauthorised: tampered,
  'keychain-mismatch': tampered,
  'keychain-behind': tampered,
  conflict: tampered,
  'purged-early': tampered,
  'not-found': { exitCode: failed, hint: 'keephold snapshots and keephold ls show what is there' },
  ENOSPC: { exitCode: noRoom, hint: spaceHint },
  EDQUOT: { exitCode: noRoom, hint: 'your quota is used up; free some space, then run the same again' },
  EACCES: { exitCode: failed, hint: permissionHint },
  EPERM: { exitCode: failed, hint: permissionHint },
  ABORT_ERR: stop,
  aborted: stop,
  interrupted: stop,
  usage: { exitCode: usage },
};

export function explainError(error: unknown): Explanation {
  for (const link of chainOf(error)) {
    if (link instanceof CommandError) return explainOwn(link);
    const code = codeOf(link);
    const rule = code === undefined || !Object.hasOwn(rules, code) ? undefined : rules[code];
    if (rule !== undefined && code !== undefined) return explainByRule(error, link, code, rule);
  }
  const code = codeOf(error) ?? 'failed';
  return { code, message: messageOf(error), hint: hintOf(error), exitCode: failed };
}

function explainOwn({ code, message, hint, exitCode }: CommandError): Explanation {
  return { code, message, hint, exitCode };
}

function explainByRule(error: unknown, link: unknown, code: string, rule: Rule): Explanation {
  if (rule.exitCode === interrupted) {
    return { code: 'interrupted', message: 'stopped before the end', hint: rule.hint, exitCode: interrupted };
  }
  if (rule.says !== undefined) return { code, message: rule.says, hint: rule.hint, exitCode: rule.exitCode };
  const outer = messageOf(error);
  const inner = messageOf(link);
  const message = link === error || outer.includes(inner) ? outer : `${outer}: ${inner}`;
  return { code, message, hint: hintOf(error) ?? hintOf(link) ?? rule.hint, exitCode: rule.exitCode };
}

/** The error and its causes, outermost first; bounded, for a cause may point back. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let link = error; link !== undefined && link !== null && chain.length < 8; ) {
    chain.push(link);
    link = link instanceof Error ? link.cause : undefined;
  }
  return chain;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return code;
  return error.name === 'AbortError' ? 'ABORT_ERR' : undefined;
}

/** Errors of packages may carry what to do next. */
function hintOf(error: unknown): string | undefined {
  const { hint } = error instanceof Error ? (error as { readonly hint?: unknown }) : { hint: undefined };
  return typeof hint === 'string' ? hint : undefined;
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === '' ? 'it failed without saying why' : text;
}
