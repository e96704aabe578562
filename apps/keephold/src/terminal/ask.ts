/**
 * Questions on a terminal. Passwords are read without echo; the terminal is put back whatever happens. It must never be
 * used where there is no terminal: the caller asks `canAsk` first.
 */
import { InterruptedError } from '../errors.ts';

export interface Terminal {
  /** Whether somebody can answer. */
  readonly canAsk: boolean;
  /** A line without echo. */
  askSecret(question: string): Promise<string>;
  /** A line with echo. */
  ask(question: string): Promise<string>;
}

type Input = NodeJS.ReadStream & { setRawMode?(on: boolean): unknown };

export function systemTerminal(stdin: () => Input, stderr: NodeJS.WriteStream): Terminal {
  return {
    get canAsk(): boolean {
      return stdin().isTTY === true && stderr.isTTY === true;
    },
    askSecret: (question) => readLine(stdin(), stderr, { question, echo: false }),
    ask: (question) => readLine(stdin(), stderr, { question, echo: true }),
  };
}

interface Question {
  readonly question: string;
  readonly echo: boolean;
}

/** Raw mode in both cases, so that Ctrl-C and Ctrl-D mean the same everywhere. */
async function readLine(stdin: Input, stderr: NodeJS.WriteStream, { question, echo }: Question): Promise<string> {
  // Before the question is seen: what is typed at once must not show.
  stdin.setRawMode?.(true);
  stderr.write(question);
  const editor = new LineEditor();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onData = (bytes: Uint8Array): void => {
    for (const key of editor.feed(bytes)) {
      if (key.kind === 'done') resolve(editor.text);
      else if (key.kind === 'interrupt') reject(new InterruptedError());
      else if (echo) stderr.write(key.echo);
    }
  };
  const onEnd = (): void => reject(new InterruptedError());
  stdin.on('data', onData).once('end', onEnd).resume();
  try {
    return await promise;
  } finally {
    stdin.off('data', onData).off('end', onEnd).pause();
    stdin.setRawMode?.(false);
    stderr.write('\n');
  }
}

export type Key =
  | { readonly kind: 'echo'; readonly echo: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'interrupt' };

/** A line under edition: keys in, text out. Escape sequences (arrows and the like) are left out. */
export class LineEditor {
  readonly #decoder = new TextDecoder('utf-8');
  #characters: string[] = [];
  #escape = '';

  get text(): string {
    return this.#characters.join('');
  }

  *feed(bytes: Uint8Array): Generator<Key> {
    for (const character of this.#decoder.decode(bytes, { stream: true })) {
      const key = this.#key(character);
      if (key === undefined) continue;
      yield key;
      if (key.kind !== 'echo') return;
    }
  }

  #key(character: string): Key | undefined {
    if (this.#escape !== '' || character === '\x1b') return this.#skipEscape(character);
    switch (character) {
      case '\r':
      case '\n':
        return { kind: 'done' };
      case '\x03':
        return { kind: 'interrupt' };
      case '\x04':
        return this.#characters.length === 0 ? { kind: 'interrupt' } : { kind: 'done' };
      case '\x7f':
      case '\b':
        return this.#characters.pop() === undefined ? undefined : { kind: 'echo', echo: '\b \b' };
      case '\x15': {
        const removed = this.#characters.length;
        this.#characters = [];
        return { kind: 'echo', echo: '\b \b'.repeat(removed) };
      }
      default:
        if (character < ' ') return undefined;
        this.#characters.push(character);
        return { kind: 'echo', echo: character };
    }
  }

  /** ESC [ … letter, ESC O letter, or ESC and one key. */
  #skipEscape(character: string): undefined {
    this.#escape += character;
    const ended = /^\x1b(\[[0-9;?]*[@-~]|O.|[^[O\x1b])$/.test(this.#escape);
    if (ended || this.#escape.length > 16) this.#escape = '';
    return undefined;
  }
}
