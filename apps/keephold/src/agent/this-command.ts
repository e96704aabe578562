/** As this process was started, for what it starts and has started. */
export function thisCommand(): { readonly program: string; readonly args: readonly string[] } {
  return { program: process.execPath, args: [...process.execArgv, process.argv[1] ?? ''] };
}
