/**
 * Decides what a backup leaves out, and says which rule did it: gitignore rules from options and files, directories
 * marked as caches (CACHEDIR.TAG) or by `.nobackup`. It never decides silently: every answer carries its reason.
 */
import type { IgnoreRule } from './ignore-rule.ts';
import { rulesFromFile, rulesFromOptions } from './read-rules.ts';
import { RuleSet } from './rule-set.ts';

/** Survives structured cloning. */
export interface ExcluderConfig {
  /** Patterns of `--exclude`, gitignore syntax, relative to each backup root. They win over those of files. */
  readonly rules: readonly string[];
  /** Files with patterns, one a line; later files win. */
  readonly files: readonly string[];
  /** Leave out what is in directories tagged as caches (bford.info/cachedir). */
  readonly cachedirTag: boolean;
  /** Leave out what is in directories with a `.nobackup`. */
  readonly nobackup: boolean;
  /** Absolute paths of the backup roots: a pattern that starts with one of them means the place below it. */
  readonly roots?: readonly string[];
}

/** Why the contents of a directory stay out. The directory itself is kept. */
export interface ExcludedContents {
  readonly reason: string;
  /** The one name in it that is kept, so that a restored cache is marked again. */
  readonly keeps: Uint8Array | undefined;
}

export interface Explanation {
  readonly rule: IgnoreRule;
  /** What the rule matched: the path asked for, or a directory above it. */
  readonly path: Uint8Array;
  readonly reason: string;
}

/** A name or path: raw bytes, or the same bytes as latin1 text. */
export type RawName = Uint8Array | string;

export interface Excluder {
  /** False: `excludedEntry` need not be asked. */
  readonly hasRules: boolean;
  /** False when rules look at names alone: `excludedEntry` then takes any path, an empty one too. */
  readonly usesPaths: boolean;
  /**
   * The rule that leaves this entry out. `path` is relative to its backup root, `name` its last part. Ask for the
   * directories above first: what is in an excluded directory cannot be taken back, as in git.
   */
  excludedEntry(path: RawName, name: RawName, isDirectory: boolean): IgnoreRule | undefined;
  /** `readTag` answers the first 43 bytes of CACHEDIR.TAG, if it is a regular file that can be read. */
  excludedContents(names: Iterable<RawName>, readTag: () => Uint8Array | undefined): ExcludedContents | undefined;
  /** Why an entry is left out by rules, directories above it included; undefined when it is not. */
  explain(path: Uint8Array, isDirectory: boolean): Explanation | undefined;
}

const TAG_NAME = Buffer.from('CACHEDIR.TAG');
const NOBACKUP_NAME = Buffer.from('.nobackup');
const TAG_SIGNATURE = Buffer.from('Signature: 8a477f597d28d172789f06886806bc55');

/** @throws ExcludeError when a file of rules cannot be read. */
export function createExcluder(config: ExcluderConfig): Excluder {
  const options = rulesFromOptions(
    config.rules.map((rule) => belowRoot(rule, config.roots ?? [])),
    '--exclude',
  );
  return new RuleExcluder([...config.files.flatMap(rulesFromFile), ...options], config);
}

/** "excluded by '*.o' (--exclude)" */
export function describeRule(rule: IgnoreRule): string {
  return `excluded by '${rule.pattern}' (${rule.origin})`;
}

class RuleExcluder implements Excluder {
  readonly #rules: RuleSet;
  readonly hasRules: boolean;
  readonly #config: ExcluderConfig;
  readonly usesPaths: boolean;

  constructor(rules: readonly IgnoreRule[], config: ExcluderConfig) {
    this.#rules = new RuleSet(rules);
    this.hasRules = !this.#rules.isEmpty;
    this.usesPaths = this.#rules.usesPaths;
    this.#config = config;
  }

  excludedEntry(path: RawName, name: RawName, isDirectory: boolean): IgnoreRule | undefined {
    if (this.#rules.isEmpty) return undefined;
    const rule = this.#rules.find(this.usesPaths ? latin1(path) : '', latin1(name), isDirectory);
    return rule?.negated === true ? undefined : rule;
  }

  excludedContents(names: Iterable<RawName>, readTag: () => Uint8Array | undefined): ExcludedContents | undefined {
    const { cachedirTag, nobackup } = this.#config;
    if (!cachedirTag && !nobackup) return undefined;
    let tagged = false;
    for (const name of names) {
      if (nobackup && same(name, NOBACKUP_NAME)) return { reason: 'the directory has a .nobackup', keeps: undefined };
      if (cachedirTag && same(name, TAG_NAME)) tagged = true;
    }
    if (!tagged || !isTag(readTag())) return undefined;
    return { reason: 'the directory is tagged as a cache (CACHEDIR.TAG)', keeps: TAG_NAME };
  }

  explain(path: Uint8Array, isDirectory: boolean): Explanation | undefined {
    let start = 0;
    for (;;) {
      const slash = path.indexOf(0x2f, start);
      const end = slash === -1 ? path.length : slash;
      const part = path.subarray(0, end);
      const rule = this.excludedEntry(part, path.subarray(start, end), isDirectory || slash !== -1);
      if (rule !== undefined) return { rule, path: part, reason: describeRule(rule) };
      if (slash === -1) return undefined;
      start = slash + 1;
    }
  }
}

function latin1(bytes: RawName): string {
  if (typeof bytes === 'string') return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function same(name: RawName, wanted: Buffer): boolean {
  if (typeof name === 'string') return name.length === wanted.length && name === wanted.toString('latin1');
  return name.length === wanted.length && name[0] === wanted[0] && wanted.equals(name);
}

function isTag(start: Uint8Array | undefined): boolean {
  return start !== undefined && TAG_SIGNATURE.equals(start.subarray(0, TAG_SIGNATURE.length));
}

/** '/home/me/Downloads' under the root '/home/me' means '/Downloads'. */
function belowRoot(rule: string, roots: readonly string[]): string {
  const negation = rule.startsWith('!') ? '!' : '';
  const pattern = rule.slice(negation.length);
  const root = roots.find((path) => path !== '/' && pattern.startsWith(`${path}/`));
  return root === undefined ? rule : negation + pattern.slice(root.length);
}
