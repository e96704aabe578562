/** Options every verb takes, before or after its name. */
import { flag, type OptionValues, text } from './options.ts';

const table = {
  repo: text({ value: 'PLACE', help: 'the repository: a folder, or https://SERVER (or KEEPHOLD_REPO)' }),
  'password-file': text({ value: 'FILE', help: 'read the password from FILE (or KEEPHOLD_PASSWORD_FILE)' }),
  'older-copy': flag({ help: 'read a repository although this device has seen a newer state of it' }),
  json: flag({ help: 'print one JSON object a line, the final error included' }),
  quiet: flag({ short: 'q', help: 'print results and errors only' }),
  help: flag({ short: 'h', help: 'print this help' }),
};

export type GlobalTable = typeof table;
export type GlobalValues = OptionValues<GlobalTable>;
export const globalOptions: GlobalTable = table;
