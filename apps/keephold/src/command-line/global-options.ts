/** Options every verb takes, before or after its name. */
import { flag, type OptionTable, type OptionValues, text } from './options.ts';

/** Of verbs that read; others say that they cannot. */
const reading = {
  'older-copy': flag({ help: 'read a repository although this device has seen a newer state of it' }),
};

const table = {
  repo: text({
    value: 'PLACE',
    help: 'the repository: a folder, https://SERVER, or to read s3://HOST/BUCKET (or KEEPHOLD_REPO)',
  }),
  'password-file': text({ value: 'FILE', help: 'read the password from FILE (or KEEPHOLD_PASSWORD_FILE)' }),
  code: text({ value: 'CODE', help: 'the code of the second factor of an account (or KEEPHOLD_CODE)' }),
  ...reading,
  json: flag({ help: 'print one JSON object a line, the final error included' }),
  quiet: flag({ short: 'q', help: 'print results and errors only' }),
  help: flag({ short: 'h', help: 'print this help' }),
};

export type GlobalTable = typeof table;
export type GlobalValues = OptionValues<GlobalTable>;
export const globalOptions: GlobalTable = table;

/** What help says of them: a verb that cannot use an option does not show it. */
export function shownOptions({ readsOlderCopy }: { readonly readsOlderCopy?: boolean }): OptionTable {
  if (readsOlderCopy === true) return globalOptions;
  return Object.fromEntries(Object.entries(globalOptions).filter(([name]) => !Object.hasOwn(reading, name)));
}
