/** The folders that are watched, by the number of their watch and by name; about 250 bytes each. */

export class WatchedFolder {
  /** Undefined for a root, which is called by its whole path. */
  parent: WatchedFolder | undefined;
  /** One code unit a byte. */
  name: string;
  readonly watch: number;
  children: Map<string, WatchedFolder> | undefined;
  isGone = false;

  constructor(watch: number, parent: WatchedFolder | undefined, name: string) {
    this.watch = watch;
    this.parent = parent;
    this.name = name;
  }

  get path(): string {
    return this.parent === undefined ? this.name : `${this.parent.path}/${this.name}`;
  }
}

export class FolderTable {
  readonly #byWatch = new Map<number, WatchedFolder>();

  get size(): number {
    return this.#byWatch.size;
  }

  find(watch: number): WatchedFolder | undefined {
    return this.#byWatch.get(watch);
  }

  /** A folder that has this watch already was moved here. */
  put(watch: number, parent: WatchedFolder | undefined, name: string): WatchedFolder {
    const known = this.#byWatch.get(watch);
    if (known !== undefined) return this.#move(known, parent, name);
    const folder = new WatchedFolder(watch, parent, name);
    this.#byWatch.set(watch, folder);
    adopt(folder, parent);
    return folder;
  }

  /** Takes away a folder with everything below it; answers the watches that are not needed any more. */
  remove(folder: WatchedFolder): readonly number[] {
    leave(folder);
    const watches: number[] = [];
    const rest = [folder];
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      next.isGone = true;
      watches.push(next.watch);
      this.#byWatch.delete(next.watch);
      for (const child of next.children?.values() ?? []) rest.push(child);
    }
    return watches;
  }

  #move(folder: WatchedFolder, parent: WatchedFolder | undefined, name: string): WatchedFolder {
    if (folder.parent === parent && folder.name === name) return folder;
    leave(folder);
    folder.parent = parent;
    folder.name = name;
    adopt(folder, parent);
    return folder;
  }
}

function adopt(folder: WatchedFolder, parent: WatchedFolder | undefined): void {
  if (parent === undefined) return;
  parent.children ??= new Map<string, WatchedFolder>();
  parent.children.set(folder.name, folder);
}

function leave(folder: WatchedFolder): void {
  const siblings = folder.parent?.children;
  if (siblings?.get(folder.name) === folder) siblings.delete(folder.name);
}
