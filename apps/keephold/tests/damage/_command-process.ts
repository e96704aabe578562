/** Runs commands one after the other for a test, in a process of its own: what crashes here is a failed test there. */
import { type CommandRequest, runCommand } from './_run-command.ts';

process.on('message', (request: CommandRequest) => {
  void runCommand(request).then((answer) => process.send?.(answer));
});
