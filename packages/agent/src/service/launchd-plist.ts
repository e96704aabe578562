/** The agent as a launchd agent of the user (launchd.plist(5)). */
import type { AgentService } from './agent-service.ts';
import { element } from './xml.ts';

export const LAUNCHD_LABEL = 'org.keephold.agent';

export function launchdPlist({ program, args, variables }: AgentService): string {
  const entries: readonly (readonly [string, string])[] = [
    ['Label', element('string', LAUNCHD_LABEL)],
    [
      'ProgramArguments',
      element(
        'array',
        [program, ...args].map((one) => element('string', one)),
      ),
    ],
    ['EnvironmentVariables', dictionary(Object.entries(variables).map(([k, v]) => [k, element('string', v)]))],
    ['RunAtLoad', '<true/>'],
    // Again after every end but a good one: it ends with another code when it was replaced by another version.
    ['KeepAlive', dictionary([['SuccessfulExit', '<false/>']])],
    ['ThrottleInterval', '<integer>10</integer>'],
    // A backup that is going is told by the agent, and ends with a checkpoint.
    ['ExitTimeOut', '<integer>90</integer>'],
    ['ProcessType', element('string', 'Background')],
    ['LowPriorityIO', '<true/>'],
    ['Nice', '<integer>10</integer>'],
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    element('plist version="1.0"', [dictionary(entries)]),
    '',
  ].join('\n');
}

function dictionary(entries: readonly (readonly [string, string])[]): string {
  return element(
    'dict',
    entries.flatMap(([key, value]) => [element('key', key), value]),
  );
}
