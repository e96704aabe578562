/** A standard stream that keeps what is written. */
import { Writable } from 'node:stream';

export interface FakeStream extends NodeJS.WriteStream {
  readonly text: string;
}

export interface FakeStreamOptions {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Answers the error of a write, if it shall fail. */
  readonly fail?: () => Error | undefined;
}

class Recorder extends Writable {
  readonly chunks: Buffer[] = [];
  readonly #fail: () => Error | undefined;
  constructor(fail: () => Error | undefined) {
    super();
    this.#fail = fail;
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
  override write(chunk: Uint8Array | string, ...rest: never[]): boolean {
    this.chunks.push(Buffer.from(chunk as string));
    return super.write(chunk, ...rest);
  }
  override _write(_chunk: unknown, _encoding: string, done: (error?: Error) => void): void {
    setImmediate(() => done(this.#fail()));
  }
}

export function fakeStream({ isTTY = false, columns = 80, fail }: FakeStreamOptions = {}): FakeStream {
  const stream = new Recorder(fail ?? (() => undefined));
  return Object.assign(stream, { isTTY, columns }) as unknown as FakeStream;
}
