/**
 * Objects of an S3 bucket beneath one prefix; whatever else lies in the bucket is neither seen nor touched. The store
 * compares each body with the SHA-256 that its request is signed with, so nothing is kept that was damaged on the way.
 *
 * Create-only is `If-None-Match: *`. A request whose answer was lost may have created the name: each write carries a
 * token of its own as metadata, and a later "it is there" is compared with it.
 */
import type { Backend, BackendProperties, GetOptions, ListedObject, ObjectStat, PutOptions } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { checkName } from '../name.ts';
import { parseListPage } from './list-page.ts';
import { type S3Answer, type S3Request, S3Store, type S3StoreOptions, SOCKETS } from './s3-store.ts';

export interface S3BackendOptions extends S3StoreOptions {
  /** As names are; '' is the bucket itself. */
  readonly prefix: string;
}

const TOKEN = 'x-amz-meta-keephold-write';
const PROBE = new TextEncoder().encode('this may be deleted');
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export class S3Backend implements Backend {
  readonly properties: BackendProperties = { writesInFlight: 8, readsInFlight: SOCKETS, writerCanDestroy: true };
  readonly #store: S3Store;
  readonly #options: S3BackendOptions;

  constructor(options: S3BackendOptions) {
    if (!BUCKET.test(options.bucket)) {
      throw new BackendError('bad-name', `use bucket: not an allowed name: ${JSON.stringify(options.bucket)}`);
    }
    if (options.prefix !== '') checkName(options.prefix);
    this.#options = options;
    this.#store = new S3Store(options);
  }

  /**
   * Asks whether the bucket is there and lets these keys in (without it, a bucket that is missing looks empty to `stat`),
   * and whether the store creates a name only once: on one that does not, two writers undo each other's commits.
   * @throws BackendError 'unfit' when it does not
   */
  async checkStore(): Promise<void> {
    await this.#page('', { 'max-keys': '1' });
    const probe = `probe/${this.#token()}`;
    await this.putNew(probe, PROBE);
    const again = await this.putNew(probe, PROBE);
    await this.#deleteWhereAllowed(probe);
    if (again === 'exists') return;
    throw new BackendError('unfit', 'use store: it overwrites what is there, although told not to (If-None-Match)');
  }

  /** Keys that may not delete are a way to protect what is there: then a few bytes stay. */
  async #deleteWhereAllowed(name: string): Promise<void> {
    try {
      await this.delete(name);
    } catch (error) {
      if (!(error instanceof BackendError) || error.code !== 'no-permission') throw error;
    }
  }

  async get(name: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    const { offset = 0, length = Number.POSITIVE_INFINITY } = options;
    const into = options.into?.subarray(0, Math.min(length, options.into.length));
    const wanted = into?.length ?? length;
    if (wanted === 0) {
      return (await this.stat(name)) === undefined || offset === 0 ? undefined : (into ?? new Uint8Array());
    }
    const last = wanted === Number.POSITIVE_INFINITY ? '' : offset + wanted - 1;
    const answer = await this.#named('read', name, {
      method: 'GET',
      headers: { range: `bytes=${offset}-${last}` },
      ...(into === undefined ? {} : { into }),
    });
    // Nothing at `offset`: the object ends before, or is empty and so counts as not there.
    if (answer.status === 416) return offset === 0 ? undefined : (into?.subarray(0, 0) ?? new Uint8Array());
    if (answer.status === 404) return undefined;
    if (answer.status !== 206) throw new BackendError('io', `read ${name}: the store does not answer ranges`);
    return answer.body;
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    return statOf(await this.#named('look at', name, { method: 'HEAD' }), name);
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    if (prefix !== '') checkName(prefix);
    const root = this.#options.prefix === '' ? '' : `${this.#options.prefix}/`;
    const beneath = prefix === '' ? root : `${root}${prefix}/`;
    let next: string | undefined = '';
    while (next !== undefined) {
      const page = await this.#page(beneath, next === '' ? {} : { 'start-after': next });
      // A store that goes back would be listed for ever.
      if (page.next !== undefined && page.next <= next) {
        throw new BackendError('io', `list ${prefix}: the store does not go on after ${JSON.stringify(next)}`);
      }
      for (const { key, size, modifiedAt } of page.entries) {
        const name = key.slice(root.length);
        if (key.startsWith(beneath) && size > 0 && isName(name)) yield { name, size, modifiedAt };
      }
      next = page.next;
    }
  }

  async put(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#write({ name, bytes, options, headers: {} });
  }

  async putNew(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<'created' | 'exists'> {
    const token = this.#token();
    const headers = { 'if-none-match': '*', [TOKEN]: token };
    const { status, attempts } = await this.#write({ name, bytes, options, headers });
    if (status !== 412) return 'created';
    if (attempts === 1) return 'exists';
    const there = await this.#named('look at', name, { method: 'HEAD' });
    return there.headers[TOKEN] === token ? 'created' : 'exists';
  }

  async touch(name: string): Promise<boolean> {
    const { bucket } = this.#options;
    const answer = await this.#named('touch', name, {
      method: 'PUT',
      headers: { 'x-amz-copy-source': `/${bucket}/${this.#key(name)}`, 'x-amz-metadata-directive': 'REPLACE' },
    });
    return answer.status !== 404;
  }

  async delete(name: string): Promise<void> {
    await this.#named('delete', name, { method: 'DELETE' });
  }

  /** Ends the idle connections. */
  close(): void {
    this.#store.close();
  }

  async #write(what: {
    readonly name: string;
    readonly bytes: Uint8Array;
    readonly options: PutOptions;
    readonly headers: Readonly<Record<string, string>>;
  }): Promise<S3Answer> {
    const { name, bytes, options, headers } = what;
    if (bytes.length === 0) throw new BackendError('bad-name', `store ${name}: an object cannot be empty`);
    const { sha256: bodyHash, onWritten } = options;
    const answer = await this.#named('store', name, {
      ...{ method: 'PUT', body: bytes, headers, options },
      ...(bodyHash === undefined ? {} : { bodyHash }),
    });
    if (answer.status === 404) throw new BackendError('io', `store ${name}: the store says it has no such place`);
    if (answer.status !== 412) onWritten?.();
    return answer;
  }

  async #named(verb: string, name: string, what: Omit<S3Request, 'action' | 'key'>): Promise<S3Answer> {
    checkName(name);
    return await this.#store.request({ ...what, action: `${verb} ${name}`, key: this.#key(name) });
  }

  async #page(prefix: string, more: Readonly<Record<string, string>>): Promise<ReturnType<typeof parseListPage>> {
    const query = { 'list-type': '2', 'encoding-type': 'url', prefix, ...more };
    const answer = await this.#store.request({ method: 'GET', action: `list ${prefix}`, key: '', query });
    return parseListPage(new TextDecoder().decode(answer.body));
  }

  #key(name: string): string {
    return this.#options.prefix === '' ? name : `${this.#options.prefix}/${name}`;
  }

  #token(): string {
    const part = (): string => this.#options.random().toString(36).slice(2);
    return `${part()}${part()}`;
  }
}

function statOf({ status, headers }: S3Answer, name: string): ObjectStat | undefined {
  if (status === 404) return undefined;
  const size = Number(headers['content-length']);
  const modifiedAt = Date.parse(headers['last-modified'] ?? '');
  if (!Number.isSafeInteger(size) || Number.isNaN(modifiedAt)) {
    throw new BackendError('io', `look at ${name}: the store tells no size or no time`);
  }
  return size === 0 ? undefined : { size, modifiedAt };
}

function isName(name: string): boolean {
  try {
    checkName(name);
    return true;
  } catch {
    return false;
  }
}
