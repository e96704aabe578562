/**
 * The journal of a plan: watches its folders and tells each `keephold backup --plan NAME` what changed since the one
 * before. For whoever runs the plan again and again; when the plan was edited it is to be made anew.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChangeJournal, outermost, type WatchError } from '@keephold/source-files';
import { makePrivateFolder, writePrivateFile } from '../access/private-file.ts';
import type { Context } from '../context.ts';
import type { Plan } from '../plans/plan.ts';
import { formatChangedFolders } from './changed-folders.ts';
import { createFileFilter } from './file-filter.ts';
import { ownFoldersOf, realRoot, rootBytes } from './named-roots.ts';

/** What `backup --json` says of the run at its end; undefined when it came to no such end. */
export type RunEnd = { readonly kind: string; readonly snapshot: { readonly id: string } | null } | undefined;

export class PlanJournal implements AsyncDisposable {
  readonly #journal: ChangeJournal;
  readonly #file: string;

  /** Nothing is watched so far. @throws when a folder of the plan is not there. */
  constructor(context: Pick<Context, 'globals' | 'environment'>, plan: Plan) {
    const named = plan.folders.map(realRoot);
    const roots = outermost(named.map(rootBytes));
    const globals = { ...context.globals, repo: plan.repository };
    const own = ownFoldersOf({ ...context, globals }, { named, roots: named.map(rootBytes) });
    const rules = { rules: plan.excludes, files: [], cachedirTag: false, nobackup: false, roots: named };
    const { excludedEntry } = createFileFilter(rules, { roots, own });
    const isOwn = (folder: Uint8Array): boolean => own.some((path) => Buffer.compare(path, folder) === 0);
    this.#journal = new ChangeJournal({
      roots,
      skips: (folder, name) => isOwn(folder) || excludedEntry?.(folder, name, true) !== undefined,
    });
    this.#file = join(context.environment.folders.cache, `changed-${plan.name}.json`);
  }

  /** Why the plan's folders cannot be watched, so that every run looks at everything. */
  get problem(): WatchError | undefined {
    return this.#journal.problem;
  }

  /** Right before a run: options for it. None when it must look at everything. */
  async before(): Promise<readonly string[]> {
    const changes = await this.#journal.before();
    if (changes === undefined) return [];
    makePrivateFolder(dirname(this.#file));
    writePrivateFile(this.#file, Buffer.from(formatChangedFolders(changes)));
    return ['--changed-folders', this.#file];
  }

  after(end: RunEnd): void {
    const isComplete = end?.kind === 'complete' && end.snapshot !== null;
    this.#journal.after(isComplete ? Buffer.from(end.snapshot.id, 'hex') : undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
    rmSync(this.#file, { force: true });
  }
}
