/** Runs a program of the service manager to its end. */
import { spawn } from 'node:child_process';
import type { CommandEnd, RunCommand, ServiceManager } from './agent-service.ts';
import { ServiceError } from './errors.ts';

const MAX_OUTPUT = 8000;

/** With these variables. What a program asks of a person it asks on the terminal. */
export function systemCommands(variables: NodeJS.ProcessEnv): RunCommand {
  return async (program, args, input) =>
    await new Promise<CommandEnd>((resolve) => {
      const child = spawn(program, args, { env: variables, windowsHide: true, stdio: ['pipe', 'pipe', 'pipe'] });
      let output = '';
      const collect = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-MAX_OUTPUT);
      };
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      // One that reads nothing has no use for it.
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
      child.once('error', (error) => resolve({ code: undefined, output: error.message }));
      child.once('close', (code) => resolve({ code: code ?? 1, output: output.trim() }));
    });
}

/** @throws ServiceError `refused` */
export async function mustRun(
  run: RunCommand,
  { manager, does }: { readonly manager: ServiceManager['name']; readonly does: string },
  command: readonly [string, ...string[]],
): Promise<string> {
  const [program, ...args] = command;
  const { code, output } = await run(program, args);
  if (code === 0) return output;
  const said = output === '' ? `${program} ended with ${code}` : output;
  throw new ServiceError('refused', `${does}: ${manager} says: ${said}`);
}
