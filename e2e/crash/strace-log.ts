/**
 * Reads the log of `strace -f -xx`: every call with its number of the thread, its arguments and its result. Calls that
 * ran beside others stand in two parts; they count at their end, and their beginning is remembered.
 */

/** What changes files, makes them durable, or says which file a number means. */
export const TRACED_CALLS: readonly string[] = [
  ...['openat', 'open', 'creat', 'close', 'dup', 'dup2', 'dup3', 'fcntl', 'lseek'],
  ...['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'copy_file_range', 'sendfile'],
  ...['fsync', 'fdatasync', 'syncfs', 'sync', 'ftruncate', 'truncate', 'fallocate'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir'],
  ...['symlink', 'symlinkat', 'mknod', 'mknodat', 'chmod', 'fchmod', 'fchmodat', 'utimensat'],
  ...['setxattr', 'lsetxattr', 'fsetxattr'],
];

export interface Call {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly result: number;
  /** Position in the log at which it began; calls are given in the order in which they ended. */
  readonly began: number;
  readonly ended: number;
}

const LINE = /^(?<thread>\d+) +(?:<\.\.\. (?<resumed>\w+) resumed>|(?<name>\w+)\()/;
const UNFINISHED = ' <unfinished ...>';
const RESULT = /\) += (?<result>-?\d+)(?: [A-Z].*| \(.*)?$/;

export function* parseStraceLog(log: string): Generator<Call> {
  const unfinished = new Map<string, { readonly began: number; readonly text: string }>();
  let ended = -1;
  for (const line of linesOf(log)) {
    ended += 1;
    const head = LINE.exec(line);
    if (head?.groups === undefined) continue;
    const { thread = '', name, resumed } = head.groups;
    const rest = line.slice(head[0].length);
    const before = resumed === undefined ? undefined : unfinished.get(thread);
    if (rest.endsWith(UNFINISHED)) {
      unfinished.set(thread, { began: ended, text: rest.slice(0, -UNFINISHED.length) });
      continue;
    }
    if (before !== undefined) unfinished.delete(thread);
    const call = parseCall(name ?? resumed ?? '', (before?.text ?? '') + rest);
    if (call !== undefined) yield { ...call, began: before?.began ?? ended, ended };
  }
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    yield text.slice(at, end === -1 ? text.length : end);
    at = end === -1 ? text.length : end + 1;
  }
}

/** Undefined when it failed, or the program ended before it did. */
function parseCall(name: string, text: string): Omit<Call, 'began' | 'ended'> | undefined {
  // Lines may have millions of characters: only their end is looked at.
  const tail = text.slice(-300);
  const found = RESULT.exec(tail);
  if (found?.groups === undefined) return undefined;
  const result = Number(found.groups['result']);
  if (result < 0) return undefined;
  return { name, arguments: splitArguments(text.slice(0, text.length - tail.length + found.index)), result };
}

/** At commas that stand in no string, list or structure. Strings are hexadecimal, so that quotes are their ends. */
function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let [start, depth] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = text.indexOf('"', at + 1);
    else if (unit === 0x5b || unit === 0x7b) depth += 1;
    else if (unit === 0x5d || unit === 0x7d) depth -= 1;
    else if (unit === 0x2c && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
    if (at === -1) throw new SyntaxError(`strace log: a string does not end: ${text.slice(0, 200)}`);
  }
  return [...parts, text.slice(start).trim()];
}

const QUOTE = 0x22;

/** Bytes of an argument that is a string, or of all strings in a list of them. */
export function bytesOf(argument: string): Buffer {
  const pieces: Buffer[] = [];
  for (let at = argument.indexOf('"'); at !== -1; ) {
    const end = argument.indexOf('"', at + 1);
    if (argument.startsWith('...', end + 1)) throw new SyntaxError('strace log: a string was cut');
    pieces.push(Buffer.from(argument.slice(at + 1, end).replaceAll('\\x', ''), 'hex'));
    at = argument.indexOf('"', end + 1);
  }
  return Buffer.concat(pieces);
}
