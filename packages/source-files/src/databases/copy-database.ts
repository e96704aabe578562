/**
 * Copies one SQLite database as it is at one instant, by SQLite's own backup interface, while programs go on writing it.
 * It must run in a process of its own: closing any other descriptor of the same file would drop SQLite's locks, and a
 * shared index that its owner cuts short under us ends the process. It must never create or change anything beside the
 * database: it opens for reading, and the shared index of a write-ahead log too.
 */
import { lstatSync, readdirSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { CopyAnswer, CopyRequest } from './copy-messages.ts';
import { readHead } from './read-head.ts';

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
/** Milliseconds to wait for a lock. Longer ones belong to programs that keep the database to themselves. */
const PATIENCE = 2000;
/** A reader keeps others from committing while there is no write-ahead log: milliseconds it may do so. */
const LONGEST_HOLD = 10_000;
/** Up to this many bytes are copied under one lock at once, which takes milliseconds. */
const SMALL_BYTES: number = 16 * 1024 * 1024;
const STEP_BYTES: number = 4 * 1024 * 1024;
/** SQLite begins again when somebody writes between two steps: how often that may happen. */
const MOST_BEGINNINGS = 2;
/** Bytes that must stay free where the copy goes. */
const SPARE_BYTES: number = 64 * 1024 * 1024;

/** Result codes (sqlite.org/rescode.html); the lowest 8 bits are the primary code. */
const BUSY = 5;
const LOCKED = 6;
const READ_ONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

/** Why it was given up. */
class NotCopied extends Error {
  readonly reason: string | undefined;
  constructor(reason: string | undefined) {
    super(reason ?? 'nothing to tell');
    this.reason = reason;
  }
}

/** Whatever goes wrong is an answer: the file is then read like any other. */
export async function copyDatabase(request: CopyRequest): Promise<CopyAnswer> {
  try {
    const header = look(request);
    requireRoom(request, header.bytes);
    await copyAll(request, header);
    check(request.target);
    return { kind: 'copied' };
  } catch (cause) {
    return { kind: 'not-copied', reason: reasonOf(cause, request) };
  }
}

interface Header {
  readonly pageBytes: number;
  /** Of the file and the log beside it. */
  readonly bytes: number;
  readonly hasLog: boolean;
}

function look({ path, inode }: CopyRequest): Header {
  const file = Buffer.from(path);
  const stat = lstatSync(file, { bigint: true });
  if (!stat.isFile() || stat.ino !== inode) throw new NotCopied(undefined);
  const head = readHead(file, HEADER_BYTES);
  if (head.length < HEADER_BYTES || head.toString('latin1', 0, 16) !== MAGIC) throw new NotCopied(undefined);
  const pageBytes = head.readUInt16BE(16);
  const [log] = ['-wal', '-shm', '-journal'].map((ending) => lookBeside(file, ending));
  return {
    pageBytes: pageBytes === 1 ? 65_536 : Math.max(512, pageBytes),
    bytes: Number(stat.size) + (log?.size ?? 0),
    hasLog: head[18] === 2,
  };
}

/** Something else there than a file is not SQLite's, and a pipe would keep whoever opens it. */
function lookBeside(file: Buffer, ending: string): Stats | undefined {
  const stat = lstatSync(Buffer.concat([file, Buffer.from(ending)]), { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) throw new NotCopied(undefined);
  return stat;
}

function requireRoom({ target }: CopyRequest, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(target));
  if (bavail * bsize < bytes + SPARE_BYTES) throw new NotCopied(`no room for a copy in ${dirname(target)}`);
}

async function copyAll(request: CopyRequest, header: Header): Promise<void> {
  using database = new DatabaseSync(readingUri(request.path), { readOnly: true, timeout: PATIENCE });
  database.exec('PRAGMA trusted_schema = OFF');
  const { pageBytes, bytes, hasLog } = header;
  const job: CopyJob = { database, request, pagesAStep: Math.ceil(STEP_BYTES / pageBytes) };
  // Readers of a write-ahead log are in nobody's way.
  if (hasLog) return await copyHeld(job, Number.POSITIVE_INFINITY);
  if (bytes > SMALL_BYTES && (await copyInSteps(job))) return;
  await copyHeld(job, LONGEST_HOLD);
}

interface CopyJob {
  readonly database: DatabaseSync;
  readonly request: CopyRequest;
  readonly pagesAStep: number;
}

/** In one transaction: all pages are of one instant, and in a database without a log nobody can commit meanwhile. */
async function copyHeld({ database, request, pagesAStep }: CopyJob, longest: number): Promise<void> {
  const end = performance.now() + longest;
  database.exec('BEGIN');
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    requireSame(request);
    const progress = (): void => {
      if (performance.now() > end) throw new NotCopied('copying would have kept its program waiting for too long');
    };
    await backup(database, request.target, { rate: pagesAStep, progress });
  } finally {
    database.exec('COMMIT');
  }
}

/** Letting go between steps; false when others wrote so often that it never came to an end. */
async function copyInSteps({ database, request, pagesAStep }: CopyJob): Promise<boolean> {
  let remaining = Number.POSITIVE_INFINITY;
  let beginnings = 0;
  const progress = ({ remainingPages }: { readonly remainingPages: number }): void => {
    if (remainingPages >= remaining && ++beginnings > MOST_BEGINNINGS) throw new BeganTooOften();
    remaining = remainingPages;
  };
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    requireSame(request);
    await backup(database, request.target, { rate: pagesAStep, progress });
    return true;
  } catch (cause) {
    if (cause instanceof BeganTooOften) return false;
    throw cause;
  }
}

class BeganTooOften extends Error {}

/** That SQLite has the very file open which was listed: somebody may have put a link to another in its place. */
function requireSame({ path, inode }: CopyRequest): void {
  const listed = lstatSync(Buffer.from(path), { bigint: true });
  const open = openFiles();
  const isOpen = open === undefined || open.some(({ dev, ino }) => dev === listed.dev && ino === listed.ino);
  if (listed.ino !== inode || !isOpen) throw new NotCopied(undefined);
}

/** Files of this process; undefined where the system does not tell. */
function openFiles(): readonly { readonly dev: bigint; readonly ino: bigint }[] | undefined {
  const folder = '/proc/self/fd';
  try {
    return readdirSync(folder).flatMap((name) => {
      const stat = statSync(`${folder}/${name}`, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? [] : [stat];
    });
  } catch {
    return undefined;
  }
}

/** Constraints and schema are the owner's affair, and may name functions that only its program has. */
function check(target: string): void {
  using copy = new DatabaseSync(`${uriOf(Buffer.from(target))}?immutable=1`, { readOnly: true });
  copy.exec('PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON');
  let found: unknown;
  try {
    [found] = Object.values(copy.prepare('PRAGMA quick_check(1)').get() ?? {});
  } catch (cause) {
    if (![CORRUPT, NOT_A_DATABASE].includes(codeOf(cause))) return;
    throw cause;
  }
  if (found !== 'ok') throw new NotCopied(`it is damaged (${String(found)})`);
}

function reasonOf(cause: unknown, { path }: CopyRequest): string | undefined {
  if (cause instanceof NotCopied) return cause.reason;
  const { message } = cause as Error;
  switch (codeOf(cause)) {
    case BUSY:
    case LOCKED:
      return 'its program keeps it locked';
    case CORRUPT:
      return `it is damaged (${message})`;
    case FULL:
      return 'no room for a copy';
    // Encrypted, or something else that begins alike.
    case NOT_A_DATABASE:
    // Left by a crash: whoever opens it next repairs it with the journal or log that lies beside it.
    case READ_ONLY:
      return undefined;
    case CANNOT_OPEN:
      return hasSharedIndex(path) ? message : undefined;
    default:
      return message;
  }
}

/** Without one nobody has the log open. */
function hasSharedIndex(path: Uint8Array): boolean {
  return lstatSync(Buffer.concat([path, Buffer.from('-shm')]), { throwIfNoEntry: false }) !== undefined;
}

function codeOf(cause: unknown): number {
  return ((cause as { readonly errcode?: number }).errcode ?? 0) % 256;
}

/** With a shared index opened for reading only, which SQLite would else make or repair. */
function readingUri(path: Uint8Array): string {
  return `${uriOf(path)}?mode=ro&readonly_shm=1`;
}

function uriOf(path: Uint8Array): string {
  let uri = 'file:';
  for (const byte of path) {
    const letter = String.fromCharCode(byte);
    uri += /[\w/.-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return uri;
}
