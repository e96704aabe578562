/** Requests to one bucket: signed, repeated while the store is only busy or out of reach, and judged. */
import { toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { AwsV4Signer } from 'aws4fetch';
import type { PutOptions } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { type Answer, Connections, type Exchange } from './exchange.ts';
import { asRefusal, judge, s3Code } from './s3-failure.ts';

export interface S3StoreOptions {
  /** With scheme and port; the bucket comes behind it (path style). */
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Unix milliseconds: requests are signed with the time. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Milliseconds without a byte moving; 30 s unless told. */
  readonly patience?: number;
  /** Attempts at one request, the first included; 6 unless told: about 6 s of waiting at most. */
  readonly attempts?: number;
}

export interface S3Request extends Pick<Exchange, 'method' | 'body' | 'into'> {
  /** For messages: "read packs/…". */
  readonly action: string;
  /** Escaped, without the bucket. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** SHA-256 of the body where the caller has it. */
  readonly bodyHash?: Uint8Array;
  readonly options?: Pick<PutOptions, 'pace' | 'signal'>;
}

export interface S3Answer extends Answer {
  readonly attempts: number;
}

const FIRST_WAIT = 200;
const LONGEST_WAIT = 5000;
const NO_BYTES = new Uint8Array();
export const SOCKETS = 16;

export class S3Store {
  readonly #options: S3StoreOptions;
  readonly #connections = new Connections(SOCKETS);
  /** Signing keys of the day. */
  readonly #keys = new Map<string, ArrayBuffer>();

  constructor(options: S3StoreOptions) {
    this.#options = options;
  }

  /**
   * Answers of success, and 404, 412 and 416 where the bucket is there.
   * @throws BackendError, or the reason of an abort
   */
  async request(what: S3Request): Promise<S3Answer> {
    const most = this.#options.attempts ?? 6;
    for (let attempts = 1; ; attempts++) {
      const outcome = await this.#attempt(what);
      if (!(outcome instanceof BackendError)) return { ...outcome, attempts };
      if (outcome.permanent || attempts >= most) throw outcome;
      await this.#options.sleep(this.#wait(attempts));
      what.options?.signal?.throwIfAborted();
    }
  }

  close(): void {
    this.#connections.close();
  }

  /** An error is returned when trying again may help, thrown when it cannot. */
  async #attempt(what: S3Request): Promise<Answer | BackendError> {
    const signed = await this.#signed(what);
    let answer: Answer;
    try {
      answer = await this.#connections.exchange(signed);
    } catch (error) {
      what.options?.signal?.throwIfAborted();
      const cause = error instanceof Error ? error.message : String(error);
      return new BackendError('io', `${what.action}: ${cause}`, { cause: error });
    }
    // Copies answer 200 first and may fail afterwards.
    const verdict = s3Code(answer) !== undefined && answer.status === 200 && isCopy(what) ? 'try-again' : judge(answer);
    if (verdict === 'answered') return answer;
    const refusal = asRefusal(answer, what.action, this.#options.now());
    if (verdict === 'refused') throw refusal;
    return refusal;
  }

  async #signed({ method, key, query, headers, body, bodyHash, into, options }: S3Request): Promise<Exchange> {
    const { endpoint, bucket, region, accessKeyId, secretAccessKey, now, patience = 30_000 } = this.#options;
    const url = new URL(endpoint);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${bucket}${key === '' ? '' : `/${key}`}`;
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const hash = toHex(body === undefined ? sha256(NO_BYTES) : (bodyHash ?? sha256(body)));
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'x-amz-content-sha256': hash },
      ...{ accessKeyId, secretAccessKey, region, service: 's3', cache: this.#keys },
      datetime: new Date(now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return {
      ...{ method, url: signed.url, headers: Object.fromEntries(signed.headers), patience },
      ...(body === undefined ? {} : { body }),
      ...(into === undefined ? {} : { into }),
      ...(options === undefined ? {} : { options }),
    };
  }

  /** Doubling with full jitter, so that many clients of a store that comes back do not come together. */
  #wait(attempts: number): number {
    return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1)) * this.#options.random();
  }
}

function isCopy({ headers }: S3Request): boolean {
  return headers?.['x-amz-copy-source'] !== undefined;
}
