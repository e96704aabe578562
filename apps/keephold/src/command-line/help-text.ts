/** Help as text, from the same tables that arguments are read by. */
import type { Command } from './command.ts';
import { shownOptions } from './global-options.ts';
import type { Option, OptionTable } from './options.ts';
import type { Verb } from './verbs.ts';

const width = 78;

export function programHelp(verbs: Readonly<Record<string, Verb>>): string {
  const rows = Object.entries(verbs).map(([name, verb]): Row => [name, verb.summary]);
  return [
    'Keephold: end-to-end encrypted backup.',
    '',
    'usage: keephold VERB [options]',
    '',
    ...columns(rows),
    '',
    'keephold VERB --help tells more, with examples. Options of every verb:',
    '',
    ...columns([...optionRows(shownOptions({})), ['--version', 'print the version']]),
    '',
    'exit codes: 0 done, 1 failed, 2 usage, 3 done but some items could not be',
    '  read or restored, 10 no repository, 11 no room, 12 wrong password or key,',
    '  13 damaged data, 130 interrupted',
    '',
  ].join('\n');
}

export function commandHelp(command: Command, summary: string): string {
  const own = optionRows(command.options);
  return [
    `keephold ${command.name}: ${summary}`,
    '',
    `usage: keephold ${[command.name, '[options]', command.operands.usage].filter((part) => part !== '').join(' ')}`,
    '',
    ...command.description.flatMap((paragraph) => [...wrap(paragraph, width), '']),
    ...(own.length === 0 ? [] : ['options:', ...columns(own), '']),
    'options of every verb:',
    ...columns(optionRows(shownOptions(command))),
    '',
    'examples:',
    ...command.examples.flatMap(({ command: line, says }) => [`  ${line}`, `      ${says}`]),
    '',
  ].join('\n');
}

type Row = readonly [left: string, right: string];

function optionRows(table: OptionTable): Row[] {
  return Object.entries(table).map(([name, option]): Row => [optionUsage(name, option), option.help]);
}

function optionUsage(name: string, option: Option<unknown>): string {
  const values = { flag: '', 'required-value': ` ${option.valueName}`, 'optional-value': `[=${option.valueName}]` };
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return `${short}--${name}${values[option.arity]}`;
}

function columns(rows: readonly Row[]): string[] {
  const widest = Math.max(...rows.map(([left]) => left.length));
  const left = Math.min(widest, 26);
  return rows.flatMap(([head, text]) => {
    const lines = wrap(text, width - left - 4);
    if (head.length > left) return [`  ${head}`, ...lines.map((line) => `  ${' '.repeat(left)}  ${line}`)];
    return lines.map((line, at) => `  ${(at === 0 ? head : '').padEnd(left)}  ${line}`);
  });
}

function wrap(text: string, limit: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > limit) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
