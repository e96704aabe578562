/**
 * What a backup tool has to say to be measured. Nothing is run in here but what asks for a version or an id: the cycle
 * runs the invocations and takes the time.
 */
export interface Invocation {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Where its output goes; nowhere by default. */
  readonly stdout?: string;
}

/** The folders of one cycle. */
export interface Place {
  /** The tree that is backed up: the same path for every snapshot. */
  readonly source: string;
  /** Empty at first. */
  readonly repository: string;
  /** Keys, settings, caches; also $HOME. Empty at first. */
  readonly state: string;
}

export interface BackupTool {
  readonly name: string;
  readonly version: string;
  /** One line on the settings. */
  readonly note: string;
  environment(place: Place): Readonly<Record<string, string>>;
  /** Creates the repository. */
  init(place: Place): readonly Invocation[];
  /** `tag` names the snapshot: v0, v1, v2. */
  backup(place: Place, tag: string): Invocation;
  /** Names every path of the last snapshot. */
  list(place: Place, tag: string): Invocation;
  /** Brings back one file, and says where it is then. `target` is an empty folder. */
  oneFile(place: Place, request: FileRequest): { readonly invocation: Invocation; readonly file: string };
  /** Brings back everything, and says where the tree is then. `target` is an empty folder. */
  restore(place: Place, tag: string, target: string): { readonly invocation: Invocation; readonly tree: string };
  /** Reads and verifies every stored byte. */
  check(place: Place): Invocation;
  /** What a new device would not have: caches, device keys. */
  deviceFolders(place: Place): readonly string[];
}

export interface FileRequest {
  readonly tag: string;
  /** Relative to the source. */
  readonly path: string;
  readonly target: string;
}
