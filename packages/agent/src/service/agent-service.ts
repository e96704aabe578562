/**
 * The agent as a service of the system: it is started when the user signs in, and again when it fails. One seam for the
 * three systems; what differs is the text of a definition, where it lies, and a handful of commands.
 */

/** What is to be started. All of it is as at the moment of installing: a service manager has an environment of its own. */
export interface AgentService {
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

export interface CommandEnd {
  /** Undefined when the program is not there. */
  readonly code: number | undefined;
  /** What it said on both outputs, for people. */
  readonly output: string;
}

export type RunCommand = (program: string, args: readonly string[], input?: Uint8Array) => Promise<CommandEnd>;

export interface ServiceManager {
  readonly name: 'systemd' | 'launchd' | 'Task Scheduler';
  /** Whether what is written here has ever been used on such a system. */
  readonly isTried: boolean;
  /** Where the definition lies. */
  readonly file: string;
  /** Whether a changed definition holds for the next start of a service that runs, without stopping it. */
  readonly takesChangesWhileRunning: boolean;
  definition(service: AgentService): Uint8Array;
  /**
   * Writes the definition in place of what was there.
   * @throws ServiceError `no-manager`, `refused`
   */
  write(definition: Uint8Array): Promise<void>;
  /** Undefined when there is none. */
  read(): Uint8Array | undefined;
  /** Removes the definition and all that came with it; nothing when there is none. @throws ServiceError `refused` */
  remove(): Promise<void>;
  /** Why it cannot be spoken to, as a clause; undefined when it can. */
  unreachable(): Promise<Unreachable | undefined>;
  isRunning(): Promise<boolean>;
  /** Makes it read the definition. @throws ServiceError `refused` */
  reload(): Promise<void>;
  /** After `reload`, one that does not run. @throws ServiceError `refused` */
  start(): Promise<void>;
  /** One that does not run is none. @throws ServiceError `refused` */
  stop(): Promise<void>;
}

export interface Unreachable {
  readonly message: string;
  /** What has it run all the same. */
  readonly hint: string;
}

/** Ends with this to be started again, by the definition as it is then: EX_TEMPFAIL of sysexits.h. */
export const START_AGAIN = 75;
