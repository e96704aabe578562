/**
 * Everything the command says. Results go to standard output (text, or one JSON object a line), everything else to
 * standard error; with --quiet only results and errors. It must never let a name reach a terminal unescaped.
 */

import { rawTextFromBytes } from '../command-line/raw-text.ts';
import { ByteStream } from './byte-stream.ts';
import { printable, printableMessage } from './printable.ts';

/** The part of a standard stream that output needs. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  readonly stdout: NodeJS.WritableStream & TerminalStream;
  readonly stderr: NodeJS.WritableStream & TerminalStream;
  readonly json: boolean;
  readonly quiet: boolean;
  /** False for a terminal that cannot redraw a line. */
  readonly canRedraw?: boolean;
}

/** One JSON line; `type` says what it is. Numbers, texts and lists of them only: bigints and bytes are written by name. */
export type JsonRecord = { readonly type: string } & Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #stdout: ByteStream;
  readonly #stdoutIsTerminal: boolean;
  readonly #canRedraw: boolean;
  readonly #stderr: NodeJS.WritableStream & TerminalStream;
  #line: { clear(): void; draw(): void } | undefined;

  constructor({ stdout, stderr, json, quiet, canRedraw = true }: OutputOptions) {
    this.#canRedraw = canRedraw;
    this.json = json;
    this.quiet = quiet;
    this.#stdout = new ByteStream(stdout as never);
    this.#stdoutIsTerminal = stdout.isTTY === true;
    this.#stderr = stderr;
    // A vanished reader of messages must not end a backup.
    stderr.on('error', () => {});
  }

  /** True once nobody reads standard output any more. */
  get closed(): boolean {
    return this.#stdout.closed;
  }

  get stdoutIsTerminal(): boolean {
    return this.#stdoutIsTerminal;
  }

  /** Whether a live line may be drawn on standard error, and how wide it may be. */
  get liveWidth(): number | undefined {
    if (this.json || this.quiet || !this.#canRedraw || this.#stderr.isTTY !== true) return undefined;
    return Math.max(20, (this.#stderr.columns ?? 80) - 1);
  }

  /** The live line that other messages must not run into. */
  setLiveLine(line: { clear(): void; draw(): void } | undefined): void {
    this.#line = line;
  }

  writeLive(text: string): void {
    this.#stderr.write(text);
  }

  /** A result as text; already safe for a terminal. Nothing with --json. */
  async result(text: string): Promise<void> {
    if (this.json) return;
    this.#line?.clear();
    await this.#stdout.write(encoder.encode(`${text}\n`));
    this.#line?.draw();
  }

  /** A result that tools and people share: the text without --json, the record with it. */
  async answer(text: string | (() => string), record: JsonRecord | (() => JsonRecord)): Promise<void> {
    if (this.json) await this.record(typeof record === 'function' ? record() : record);
    else await this.result(typeof text === 'function' ? text() : text);
  }

  /** A JSON line; nothing without --json. */
  async record(record: JsonRecord): Promise<void> {
    if (this.json) await this.#stdout.write(encoder.encode(`${JSON.stringify(record, jsonValue)}\n`));
  }

  /** A line with a path: its raw bytes into a pipe or file, escaped on a terminal. What stands around it is safe text. */
  async pathLine(before: string, path: Uint8Array, after = ''): Promise<void> {
    if (this.#stdoutIsTerminal) return this.result(before + printable(path) + after);
    const head = encoder.encode(before);
    const tail = encoder.encode(`${after}\n`);
    const line = new Uint8Array(head.length + path.length + tail.length);
    line.set(head);
    line.set(path, head.length);
    line.set(tail, head.length + path.length);
    await this.#stdout.write(line);
  }

  /** Like pathLine for an absolute path, its first slash there or not; a promise only when there is need to wait. */
  absolutePathLine(path: Uint8Array): Promise<void> | undefined {
    const before = path[0] === firstSlash[0] ? noBytes : firstSlash;
    if (this.#stdoutIsTerminal) return this.pathLine(before === noBytes ? '' : '/', path);
    return this.#stdout.put(before, path, lineEnd);
  }

  /** Content of a file, as it is. The bytes may change once this has resolved. */
  async bytes(bytes: Uint8Array): Promise<void> {
    await this.#stdout.write(bytes);
  }

  /** Something worth knowing that is no result: not with --quiet. */
  note(text: string): void {
    if (!this.quiet && !this.json) this.#message(text);
  }

  /** Something the user should act on, or an item that failed: also with --quiet. */
  warn(text: string): void {
    this.#message(`warning: ${text}`);
  }

  /** One line of an error report. */
  error(text: string): void {
    this.#message(text);
  }

  #message(text: string): void {
    this.#line?.clear();
    for (const line of text.split('\n')) this.#stderr.write(`${printableMessage(line)}\n`);
    this.#line?.draw();
  }

  async flush(): Promise<void> {
    await this.#stdout.flush();
  }
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) throw new TypeError('bytes in JSON output need a name: use pathFields or hex');
  return value;
}

/**
 * A path in JSON: `path` as text and, where the bytes are no UTF-8 and the text thus no true copy, `pathBytes` with the
 * exact bytes in base64.
 */
export function pathFields(path: Uint8Array, name = 'path'): Readonly<Record<string, string>> {
  const text = rawTextFromBytes(path);
  if (text.isWellFormed()) return { [name]: text };
  return { [name]: text.toWellFormed(), [`${name}Bytes`]: Buffer.from(path).toString('base64') };
}

const firstSlash = new Uint8Array([0x2f]);
const noBytes = new Uint8Array(0);
const lineEnd = new Uint8Array([0x0a]);
