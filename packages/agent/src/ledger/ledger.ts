/**
 * The ledger as a file: one JSON object a line, written through to the disk. One agent writes it, whoever likes reads it.
 * Bounded: from 4000 lines on the newest 2000 stay, and of each plan the newest whatever its age. A line that a crash
 * left unfinished, or that rotted, is passed over.
 */
import { closeSync, fdatasyncSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { isGood } from '../runs/run-record.ts';
import type { Moment } from '../timing/moment.ts';
import { formatEntry, type LedgerEntry, parseEntry } from './ledger-entry.ts';

const MAX_LINES = 4000;
const KEPT_LINES = 2000;

/** Oldest first; nothing when there is no file. */
export function readLedger(path: string): readonly LedgerEntry[] {
  return textOf(path)
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [parseEntry(line)];
      } catch {
        return [];
      }
    });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

export class Ledger {
  readonly #path: string;
  #entries: LedgerEntry[];

  /** The folder is there. */
  constructor(path: string) {
    this.#path = path;
    this.#entries = [...readLedger(path)];
    // Also takes away half a line, which the next one would be written behind.
    this.#rewrite();
  }

  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  /** The newest entry of a plan. */
  newestOf(plan: string): LedgerEntry | undefined {
    return this.#entries.findLast((entry) => entry.kind !== 'away' && entry.plan === plan);
  }

  /** When a plan was first told of after its newest good backup. */
  waitsSince(plan: string): Moment | undefined {
    return waitsSince(this.#entries, plan);
  }

  append(entry: LedgerEntry): void {
    // Known even where it cannot be written: what is in memory is what is done next.
    this.#entries.push(entry);
    if (this.#entries.length > MAX_LINES) this.#rewrite();
    else appendThrough(this.#path, formatEntry(entry));
  }

  #rewrite(): void {
    this.#entries = kept(this.#entries);
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, this.#entries.map(formatEntry).join(''), { mode: 0o600, flush: true });
    renameSync(temporary, this.#path);
  }
}

/** When the ledger first told of a plan after its newest good backup. */
export function waitsSince(entries: readonly LedgerEntry[], plan: string): Moment | undefined {
  const its = entries.filter((entry) => entry.kind !== 'away' && entry.plan === plan);
  const last = its.findLastIndex((entry) => entry.kind === 'end' && isGood(entry));
  return its[last + 1]?.at;
}

function kept(entries: readonly LedgerEntry[]): LedgerEntry[] {
  if (entries.length <= KEPT_LINES) return [...entries];
  const newest = new Map(entries.map((entry) => [entry.kind === 'away' ? '' : entry.plan, entry]));
  const of = new Set(newest.values());
  const cut = entries.length - KEPT_LINES;
  return entries.filter((entry, i) => i >= cut || of.has(entry));
}

function appendThrough(path: string, line: string): void {
  const handle = openSync(path, 'a', 0o600);
  try {
    writeSync(handle, line);
    fdatasyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
