/** From the argument list to the exit code: finds the verb, reads its arguments, runs it, reports what failed. */

import type { Custody } from '@keephold/protocol';
import type { OpenPlaceOptions } from './access/open-place.ts';
import type { Command } from './command-line/command.ts';
import { type GlobalValues, globalOptions } from './command-line/global-options.ts';
import { nearestName } from './command-line/nearest-name.ts';
import { flag, type OptionTable } from './command-line/options.ts';
import { type ParsedArguments, parseArguments } from './command-line/parse-arguments.ts';
import { verbs } from './command-line/verbs.ts';
import type { Context } from './context.ts';
import type { Environment } from './environment.ts';
import { type ExitCode, exitCodes, UsageError } from './errors.ts';
import type { Terminal } from './terminal/ask.ts';
import { Output } from './terminal/output.ts';

export interface Host {
  openRepository(place: string, options: OpenPlaceOptions): Promise<Custody>;
  readonly args: readonly string[];
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: Environment;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly onHangUp?: Context['onHangUp'];
  readonly version: string;
  /** Who started this, and wants to know how far it is. */
  readonly onProgress?: Context['onProgress'] | undefined;
  now(): number;
}

const leading = { ...globalOptions, version: flag({ help: 'print the version' }) };
type Leading = ParsedArguments<typeof leading>;

/** Never throws: every failure ends in a report and an exit code. */
export async function runProgram(host: Host): Promise<ExitCode> {
  // Until the arguments are read, the wish for JSON can only be guessed.
  let out = outputFor(host, { json: host.args.includes('--json'), quiet: false });
  try {
    const before = parseArguments(host.args, leading, { stopAtOperand: true });
    const [name, ...rest] = before.rest;
    if (name === undefined) return await withoutVerb(host, out, before);
    const command = await loadCommand(name);
    const parsed = parseArguments(rest, { ...globalOptions, ...command.options });
    const globals = mergeGlobals(before, parsed);
    out = outputFor(host, globals);
    if (globals.help || before.values.help) return await printHelp(out, command, name);
    checkOperands(command, parsed.operands);
    if (globals['older-copy'] && command.readsOlderCopy !== true) throw cannotReadOlder(name);
    const context = contextOf(host, out, globals);
    const code = await command.run(context, { options: parsed.values, operands: parsed.operands, given: parsed.given });
    if (code === exitCodes.damaged) await out.record(damageRecord);
    await out.flush();
    return code;
  } catch (error) {
    return await report(out, error);
  }
}

function outputFor(host: Host, { json, quiet }: { readonly json: boolean; readonly quiet: boolean }): Output {
  const { stdout, stderr, environment } = host;
  return new Output({ stdout, stderr, json, quiet, canRedraw: environment.canRedraw });
}

function contextOf(host: Host, out: Output, globals: GlobalValues): Context {
  const { environment, terminal, signal, version, onHangUp, onProgress } = host;
  const secret = async (): Promise<string> => {
    const { existingPassword } = await import('./access/password.ts');
    return await existingPassword({ out, environment, terminal, globals }, 'the 24 words: ');
  };
  return {
    globals,
    out,
    environment,
    terminal,
    signal,
    ...(onHangUp !== undefined && { onHangUp }),
    ...(onProgress !== undefined && { onProgress }),
    version,
    openRepository: async (folder, options) => {
      const { keychainCopyOf } = await import('./access/keychain-copy.ts');
      const { askForCode } = await import('./access/second-factor.ts');
      const askCode = askForCode({ out, environment, terminal, globals });
      const keychainCopy = keychainCopyOf(environment, out);
      return await host.openRepository(folder, { keychainCopy, secret, askCode, ...options });
    },
    now: () => host.now(),
  };
}

async function withoutVerb(host: Host, out: Output, { values }: Leading): Promise<ExitCode> {
  if (values.version) await out.answer(`keephold ${host.version}`, { type: 'version', version: host.version });
  else if (values.help) await printProgramHelp(out);
  else
    throw new UsageError('no verb was given', 'keephold --help lists them; keephold start FOLDER shows it all at once');
  await out.flush();
  return exitCodes.done;
}

async function printProgramHelp(out: Output): Promise<void> {
  const { programHelp } = await import('./command-line/help-text.ts');
  const text = programHelp(verbs).trimEnd();
  await out.answer(text, { type: 'help', text });
}

async function printHelp(out: Output, command: Command, name: string): Promise<ExitCode> {
  const { commandHelp } = await import('./command-line/help-text.ts');
  const text = commandHelp(command, verbs[name]?.summary ?? '').trimEnd();
  await out.answer(text, { type: 'help', text });
  await out.flush();
  return exitCodes.done;
}

async function loadCommand(name: string): Promise<Command> {
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb !== undefined) return await verb.load();
  const near = nearestName(name, Object.keys(verbs));
  throw new UsageError(
    `there is no verb "${name}"`,
    near === undefined ? 'keephold --help lists the verbs' : `did you mean ${near}?`,
  );
}

/** A global option may stand on either side of the verb; behind it wins. */
function mergeGlobals(before: Leading, parsed: ParsedArguments<OptionTable>): GlobalValues {
  const merged: Record<string, unknown> = {};
  for (const name of Object.keys(globalOptions)) {
    merged[name] = parsed.given.has(name) ? parsed.values[name] : before.values[name as keyof GlobalValues];
  }
  return merged as unknown as GlobalValues;
}

function checkOperands({ name, operands: { min, max, usage } }: Command, operands: readonly string[]): void {
  const hint = `usage: keephold ${name} [options] ${usage}`.trimEnd();
  if (operands.length < min) throw new UsageError(`${name} needs ${usage}`, hint);
  if (operands.length > max) throw new UsageError(`${name} takes no further argument "${operands[max]}"`, hint);
}

/** The last line of a verb that went on around damage: notes are not for programs. */
const damageRecord = {
  type: 'error',
  code: 'damaged',
  message: 'not everything could be read: what is listed may not be all there is',
  hint: 'keephold check says what is damaged and what it affects; keephold heal mends what it can',
  exitCode: exitCodes.damaged,
};

function cannotReadOlder(verb: string): UsageError {
  return new UsageError(
    `${verb} cannot take --older-copy, which is for reading`,
    'snapshots, ls, find, diff, cat, restore, check, drill and stats take it',
  );
}

async function report(out: Output, error: unknown): Promise<ExitCode> {
  const { explainError } = await import('./explain-error.ts');
  const { code, message, hint, exitCode } = explainError(error);
  out.setLiveLine(undefined);
  if (!out.json) {
    out.error(`keephold: ${message}`);
    if (hint !== undefined) out.error(`  ${hint}`);
  }
  // Standard output may be what failed.
  await out.record({ type: 'error', code, message, hint: hint ?? null, exitCode }).catch(() => {});
  await out.flush().catch(() => {});
  return exitCode;
}
