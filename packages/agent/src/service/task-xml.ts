/**
 * The agent as a task of the Windows Task Scheduler, begun when the user signs in ([MS-TSCH] §2.5). It has the user's own
 * variables, as the system keeps them: a task cannot have others.
 */
import type { AgentService } from './agent-service.ts';
import { element } from './xml.ts';

const NAMESPACE = 'http://schemas.microsoft.com/windows/2004/02/mit/task';

export function taskXml({ program, args }: AgentService, user: string): string {
  // Without a window; conhost starts what follows and ends as it does.
  const line = ['--headless', program, ...args].map(windowsArgument).join(' ');
  // The order of elements is part of the schema.
  const task = element(`Task version="1.4" xmlns="${NAMESPACE}"`, [
    element('RegistrationInfo', [element('Description', 'Keephold: backups that happen by themselves')]),
    element('Triggers', [element('LogonTrigger', [element('Enabled', 'true'), element('UserId', user)])]),
    element('Principals', [
      element('Principal id="Author"', [
        element('UserId', user),
        element('LogonType', 'InteractiveToken'),
        element('RunLevel', 'LeastPrivilege'),
      ]),
    ]),
    element('Settings', [
      element('MultipleInstancesPolicy', 'IgnoreNew'),
      // Whether a plan runs on battery is the plan's to say.
      element('DisallowStartIfOnBatteries', 'false'),
      element('StopIfGoingOnBatteries', 'false'),
      element('AllowHardTerminate', 'true'),
      element('StartWhenAvailable', 'true'),
      element('IdleSettings', [element('StopOnIdleEnd', 'false'), element('RestartOnIdle', 'false')]),
      element('ExecutionTimeLimit', 'PT0S'),
      element('Priority', '8'),
      element('RestartOnFailure', [element('Interval', 'PT1M'), element('Count', '999')]),
    ]),
    element('Actions Context="Author"', [
      element('Exec', [element('Command', 'conhost.exe'), element('Arguments', line)]),
    ]),
  ]);
  return `<?xml version="1.0" encoding="UTF-16"?>\n${task}\n`.replaceAll('\n', '\r\n');
}

/** Little-endian with its mark, as schtasks wants it. */
export function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(2 + 2 * text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xfeff, true);
  for (let i = 0; i < text.length; i++) view.setUint16(2 + 2 * i, text.charCodeAt(i), true);
  return bytes;
}

/** As CommandLineToArgvW takes it apart again. */
export function windowsArgument(text: string): string {
  if (/^[^\s"]+$/.test(text)) return text;
  return `"${text.replace(/(\\*)(?:"|$)/g, (whole, slashes: string) => `${slashes}${slashes}${whole.endsWith('"') ? '\\"' : ''}`)}"`;
}
