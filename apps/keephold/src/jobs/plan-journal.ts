/**
 * The journal of a plan: watches its folders and tells each `keephold backup --plan NAME` what changed since the one
 * before. For whoever runs the plan again and again.
 */
import { ChangeJournal, outermost, type WatchError } from '@keephold/source-files';
import type { Context } from '../context.ts';
import type { Plan } from '../plans/plan.ts';
import { planNamed, readPlans } from '../plans/plan-file.ts';
import { formatChangedFolders } from './changed-folders.ts';
import { createFileFilter } from './file-filter.ts';
import { ownFoldersOf, realRoot, rootBytes } from './named-roots.ts';

type Place = Pick<Context, 'globals' | 'environment'>;

export class PlanJournal implements AsyncDisposable {
  readonly #place: Place;
  readonly #name: string;
  #journal: ChangeJournal | undefined;
  /** What the journal was made for. */
  #madeFor = '';

  /** Nothing is watched so far. */
  constructor(place: Place, name: string) {
    this.#place = place;
    this.#name = name;
  }

  /** Why the plan's folders cannot be watched, so that every run looks at everything. */
  get problem(): WatchError | undefined {
    return this.#journal?.problem;
  }

  /**
   * Before a run looks at anything: what `--changed-folders` is to read. Empty when it must look at everything.
   * @throws CommandError when there is no such plan, or a folder of it is not there
   */
  async before(): Promise<string> {
    const changes = await (await this.#current()).before();
    return changes === undefined ? '' : formatChangedFolders(changes);
  }

  /** At the end of a run, with the complete snapshot that it made, if it made one. */
  after(snapshot: Uint8Array | undefined): void {
    this.#journal?.after(snapshot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal?.[Symbol.asyncDispose]();
  }

  /** Of an edited plan another: the one before did not watch what the plan left out then. */
  async #current(): Promise<ChangeJournal> {
    const plan = planNamed(readPlans(this.#place.environment), this.#name);
    const journal = this.#journal;
    const key = JSON.stringify([plan.repository, plan.folders, plan.excludes]);
    if (journal !== undefined && key === this.#madeFor) return journal;
    this.#journal = undefined;
    await journal?.[Symbol.asyncDispose]();
    this.#journal = journalOf(this.#place, plan);
    this.#madeFor = key;
    return this.#journal;
  }
}

function journalOf({ globals, environment }: Place, plan: Plan): ChangeJournal {
  const named = plan.folders.map(realRoot);
  const roots = named.map(rootBytes);
  const own = ownFoldersOf({ environment, globals: { ...globals, repo: plan.repository } }, { named, roots });
  const rules = { rules: plan.excludes, files: [], cachedirTag: false, nobackup: false, roots: named };
  const { excludedEntry } = createFileFilter(rules, { roots, own });
  const isOwn = (folder: Uint8Array): boolean => own.some((path) => Buffer.compare(path, folder) === 0);
  return new ChangeJournal({
    roots: outermost(roots),
    skips: (folder, name) => isOwn(folder) || excludedEntry?.(folder, name, true) !== undefined,
  });
}
