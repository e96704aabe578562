/** One page of ListObjectsV2 (XML, keys escaped by `encoding-type=url`). */
import { BackendError } from '../errors.ts';

export interface ListPage {
  readonly entries: readonly { readonly key: string; readonly size: number; readonly modifiedAt: number }[];
  /** The key to go on after; undefined: this was the last page. */
  readonly next: string | undefined;
}

const ENTRY = /<Contents>(.*?)<\/Contents>/gs;

/** @throws BackendError 'io' for what is no such page */
export function parseListPage(text: string): ListPage {
  if (!text.includes('<ListBucketResult')) throw notAPage();
  const entries = [...text.matchAll(ENTRY)].map(([, entry = '']) => parseEntry(entry));
  const isCut = field(text, 'IsTruncated') === 'true';
  const last = entries.at(-1)?.key;
  if (isCut && last === undefined) throw notAPage();
  return { entries, next: isCut ? last : undefined };
}

function parseEntry(entry: string): ListPage['entries'][number] {
  const size = Number(field(entry, 'Size'));
  const modifiedAt = Date.parse(field(entry, 'LastModified'));
  if (!Number.isSafeInteger(size) || size < 0 || Number.isNaN(modifiedAt)) throw notAPage();
  try {
    return { key: decodeURIComponent(field(entry, 'Key').replaceAll('+', ' ')), size, modifiedAt };
  } catch {
    throw notAPage();
  }
}

function field(text: string, name: string): string {
  const start = text.indexOf(`<${name}>`);
  const end = text.indexOf(`</${name}>`, start);
  if (start < 0 || end < 0) throw notAPage();
  return text.slice(start + name.length + 2, end);
}

function notAPage(): BackendError {
  return new BackendError('io', 'list objects: the answer is no list of objects');
}
