/**
 * Months in the life of a shared vault in some seconds: devices with clocks of their own back up, the owner forgets and
 * takes back, collections run, all at once and interrupted; processes are killed and machines lose power at any call,
 * the ledger is lost. After every step the witness looks whether anything is gone that a kept snapshot needs.
 *
 * One step runs at a time. A process that is about to touch the disk and holds no lock of the ledger lets others take
 * steps first, so calls interleave as those of real processes do, and a seed gives the same history again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toHex } from '@keephold/bytes';
import { type Custody, CustodyError, type PackId, type PackIdList, sortPackIds } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createCommit,
  createObject,
  createPack,
  type FixtureDevice,
  type FixturePack,
} from '@keephold/testkit';
import { createRepositoryFolder, type FolderCollectOptions } from '../src/index.ts';
import { LEDGER } from '../src/layout.ts';
import { Seeded } from './_seeded.ts';
import { type ProcessFault, type SimulatedProcess, startProcess } from './_simulated-process.ts';
import { VaultWitness, type WitnessedSnapshot } from './_vault-witness.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 5);
const DEPTH = 3;

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  readonly devices?: number;
}

export interface SimulationReport {
  readonly steps: number;
  readonly days: number;
  readonly commits: number;
  readonly snapshots: number;
  readonly kills: number;
  readonly refused: number;
  readonly lostLedgers: number;
  readonly purgedPacks: number;
  readonly nested: number;
  readonly holds: number;
}

/** @throws Error that says what was lost. */
export async function simulate({ seed, steps, devices = 3 }: SimulationOptions): Promise<SimulationReport> {
  const parent = await mkdtemp(join(tmpdir(), 'keephold-simulation-'));
  try {
    const simulation = new Simulation(join(parent, 'repository'), seed, devices);
    await simulation.create();
    for (let step = 0; step < steps; step++) await simulation.step();
    return await simulation.settle();
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** Pauses between two calls of one process; what is running is marked, so that it is not entered again. */
interface Actor {
  readonly name: string;
  readonly work: AsyncGenerator<void, void>;
  isRunning: boolean;
}

class Simulation {
  readonly #path: string;
  readonly #random: Seeded;
  readonly #account: AccountFixture;
  readonly #witness: VaultWitness;
  readonly #packs = new Map<string, FixturePack>();
  readonly #sizes = new Map<string, number>();
  /** How wrong the clock of each device is, milliseconds. */
  readonly #skews: readonly number[];
  readonly #actors: Actor[] = [];
  /** The last snapshot that each device knows to have made. */
  readonly #latest = new Map<FixtureDevice, number>();
  #time = START;
  #depth = 0;
  #releases = 0;
  /** Steps of others so far within the step that runs. */
  #interruptions = 0;
  #counts = { steps: 0, kills: 0, refused: 0, lostLedgers: 0, purgedPacks: 0, nested: 0, holds: 0 };

  constructor(path: string, seed: number, devices: number) {
    this.#path = path;
    this.#random = new Seeded(seed);
    this.#account = createAccountFixture({ devices, noise: this.#random.noise });
    this.#skews = this.#account.devices.map(() => Math.floor((this.#random.next() * 2 - 1) * 3 * DAY));
    this.#witness = new VaultWitness(path, this.#account.vault, this.#sizes);
  }

  async create(): Promise<void> {
    await (await createRepositoryFolder(this.#path, this.#account))[Symbol.asyncDispose]();
  }

  async step(): Promise<void> {
    this.#counts.steps += 1;
    this.#interruptions = 0;
    this.#pass();
    if (this.#random.chance(0.02)) await this.#loseLedger();
    if (this.#random.chance(0.02)) await this.#release();
    await this.#stepOfSomebody();
    await this.#witness.check();
  }

  /** All processes end, everything is forgotten, and collections have all the time they need: only what is kept is left. */
  async settle(): Promise<SimulationReport> {
    for (const actor of this.#actors.splice(0)) await actor.work.return();
    // From here on nobody else acts.
    this.#depth = DEPTH;
    await this.#witness.check();
    const { custody, end } = await this.#start(0, 'unharmed');
    const { vault } = this.#account;
    await this.#release();
    await this.#compare(custody);
    const doomed = this.#witness.kept().filter(() => this.#random.chance(0.5));
    if (doomed.length > 0)
      await custody.trash(
        vault,
        doomed.map(({ seq }) => seq),
      );
    for (let week = 0; week < 12; week++) {
      this.#time += 7 * DAY;
      await custody.collect(vault, { dateConfirmed: true } as FolderCollectOptions);
      await this.#witness.check();
    }
    await this.#compare(custody);
    const needed = new Set(this.#witness.kept().flatMap(({ refset }) => [...refset]));
    const { packs, condemnedBytes } = await custody.usage(vault);
    if (packs !== needed.size || condemnedBytes > 0) throw new Error(`${packs} packs are left, ${needed.size} needed`);
    await end();
    const days = Math.round((this.#time - START) / DAY);
    return { ...this.#counts, days, commits: this.#witness.head, snapshots: this.#witness.snapshots.size };
  }

  /** What the keeper says agrees with what the witness saw. */
  async #compare(custody: Custody): Promise<void> {
    const { vault } = this.#account;
    const records = new Map((await custody.snapshots(vault)).map((record) => [record.seq, record]));
    const referable = new Set(idsOf(await custody.referablePacks(vault)));
    for (const { seq, state, refset } of this.#witness.snapshots.values()) {
      const told = records.get(seq)?.state ?? 'gone';
      if (told !== state) throw new Error(`snapshot ${seq} is ${state}, and the keeper says ${told}`);
      if (state !== 'active' && state !== 'trashed') continue;
      const ids = idsOf(await custody.refset(vault, seq));
      if (ids.join() !== [...refset].sort().join()) throw new Error(`snapshot ${seq} has another refset`);
      for (const id of ids) if (!referable.has(id)) throw new Error(`the keeper does not offer a pack of ${seq}`);
    }
  }

  #pass(): void {
    if (this.#random.chance(0.7)) this.#time += this.#random.below(HOUR);
    else this.#time += this.#random.chance(0.9) ? this.#random.below(2 * DAY) : this.#random.below(12 * DAY);
  }

  async #stepOfSomebody(): Promise<void> {
    const idle = this.#actors.filter(({ isRunning }) => !isRunning);
    const actor =
      idle.length === 0 || (this.#actors.length < 6 && this.#random.chance(0.25))
        ? this.#newActor()
        : (this.#random.pick(idle) as Actor);
    actor.isRunning = true;
    const { done } = await actor.work.next();
    actor.isRunning = false;
    if (done === true) this.#actors.splice(this.#actors.indexOf(actor), 1);
  }

  #newActor(): Actor {
    const device = this.#random.below(this.#account.devices.length);
    const draw = this.#random.next();
    const [name, work] =
      draw < 0.58
        ? ['backup', (process: SimulatedProcess) => this.#backUp(process, device)]
        : draw < 0.78
          ? ['collect', (process: SimulatedProcess) => this.#collect(process)]
          : draw < 0.97
            ? ['forget', (process: SimulatedProcess) => this.#forget(process)]
            : ['hold', (process: SimulatedProcess) => this.#hold(process, device)];
    const actor = { name: name as string, work: this.#run(device, work as Work), isRunning: false };
    this.#actors.push(actor);
    return actor;
  }

  async *#run(device: number, work: Work): AsyncGenerator<void, void> {
    const process = await this.#start(device, 'mortal');
    try {
      yield* work(process);
    } catch (error) {
      if (process.isKilled()) this.#counts.kills += 1;
      else if (isExpected(error)) this.#counts.refused += 1;
      else throw error;
    } finally {
      await process.end();
    }
  }

  async #start(device: number, fate: 'mortal' | 'unharmed'): Promise<SimulatedProcess> {
    const skew = this.#skews[device] as number;
    return await startProcess({
      path: this.#path,
      signer: this.#account.devices[device] as FixtureDevice,
      now: () => this.#time + skew,
      fault: fate === 'mortal' ? this.#fault() : undefined,
      pause: async () => await this.#letOthersAct(),
    });
  }

  #fault(): ProcessFault | undefined {
    if (this.#random.chance(0.5)) return undefined;
    const kind = this.#random.pick(['kill', 'power-cut', 'kill-in-ledger'] as const);
    return kind === undefined
      ? undefined
      : { kind, step: 1 + this.#random.below(kind === 'kill-in-ledger' ? 120 : 60) };
  }

  async #letOthersAct(): Promise<void> {
    // Rarer each time: a collection makes hundreds of calls, and so may those that act between them.
    const chance = 0.06 / (1 + this.#interruptions);
    if (this.#depth >= DEPTH || !this.#random.chance(chance) || this.#isLocked()) return;
    this.#interruptions += 1;
    this.#depth += 1;
    this.#counts.nested += 1;
    this.#pass();
    await this.#stepOfSomebody();
    await this.#witness.check();
    this.#depth -= 1;
  }

  /** Whoever holds the ledger's write lock cannot let another process act: it would wait for the lock. */
  #isLocked(): boolean {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(join(this.#path, LEDGER), { timeout: 0 });
      database.exec('BEGIN IMMEDIATE; ROLLBACK;');
      return false;
    } catch {
      return true;
    } finally {
      database?.close();
    }
  }

  /** Nobody is using it then: on a system that lets an open file be deleted it would be two ledgers. */
  async #loseLedger(): Promise<void> {
    if (this.#depth > 0) return;
    for (const actor of this.#actors.splice(0)) await actor.work.return();
    this.#counts.lostLedgers += 1;
    for (const suffix of ['', '-wal', '-shm']) await rm(join(this.#path, LEDGER + suffix), { force: true });
  }

  async *#backUp({ custody }: SimulatedProcess, number: number): AsyncGenerator<void, void> {
    const device = this.#account.devices[number] as FixtureDevice;
    const { vault } = this.#account;
    await custody.openSession(vault);
    yield;
    const offered = idsOf(await custody.referablePacks(vault));
    const parent = this.#parentOf(device);
    yield;
    const fresh = [this.#newPack(1), this.#newPack(2)].filter(() => this.#random.chance(0.7));
    for (const pack of fresh) {
      await custody.putPack(vault, pack.id, pack.bytes);
      yield;
    }
    const reused = this.#reusable(offered, parent).filter(() => this.#random.chance(0.6));
    yield* this.#commit(custody, device, { fresh, reused, parent });
  }

  /** Deduplication finds only what a commit has indexed. */
  #reusable(offered: readonly string[], parent: WitnessedSnapshot | undefined): readonly string[] {
    const indexed = new Set([...this.#witness.snapshots.values()].flatMap(({ added }) => added));
    return [...new Set([...offered.filter((id) => indexed.has(id)), ...(parent?.refset ?? [])])].sort();
  }

  /** As a writer does that remembers a snapshot, whatever became of it since. */
  #parentOf(device: FixtureDevice): WitnessedSnapshot | undefined {
    const seq = this.#random.chance(0.8)
      ? this.#latest.get(device)
      : this.#random.pick([...this.#witness.snapshots.keys()]);
    return seq === undefined ? undefined : this.#witness.snapshots.get(seq);
  }

  async *#commit(custody: Custody, device: FixtureDevice, first: Content): AsyncGenerator<void, void> {
    const { vault } = this.#account;
    let content = first;
    for (let attempt = 0; attempt < 6; attempt++) {
      const object = createObject(300, this.#random.noise);
      const index = createObject(300, this.#random.noise);
      await custody.putObject(vault, index.name, index.bytes);
      await custody.putObject(vault, object.name, object.bytes);
      yield;
      const added = content.fresh.map(({ id }) => toHex(id)).sort();
      const refset = new Set([...added, ...content.reused]);
      this.#witness.intend(object.name, { refset, added, index: added.length === 0 ? undefined : index.name });
      const head = await custody.head(vault);
      yield;
      const outcome = await custody.commit(
        vault,
        createCommit({
          account: this.#account,
          device,
          head,
          snapshotObject: object.name,
          indexObjects: added.length === 0 ? [] : [index.name],
          packsAdded: listOf(added),
          refset: listOf([...refset]),
          ...(content.parent === undefined
            ? {}
            : { parent: { seq: content.parent.seq, refset: listOf([...content.parent.refset]) } }),
        }),
      );
      if (outcome.kind === 'accepted') {
        this.#latest.set(device, outcome.head.seq);
        return;
      }
      yield;
      if (outcome.kind === 'missing-packs') content = await this.#storeAgain(custody, content, idsOf(outcome.packs));
    }
  }

  /** The device still has the files: its own packs go up again, blobs of others' packs into a new one. */
  async #storeAgain(custody: Custody, content: Content, missing: readonly string[]): Promise<Content> {
    const { vault } = this.#account;
    const gone = new Set(missing);
    const own = content.fresh.filter(({ id }) => gone.has(toHex(id)));
    const replacement = content.reused.some((id) => gone.has(id)) && content.fresh.length < 2;
    const fresh = replacement
      ? [...content.fresh, this.#newPack(content.fresh[0]?.bytes[5] === 1 ? 2 : 1)]
      : content.fresh;
    for (const pack of [...own, ...fresh.slice(content.fresh.length)])
      await custody.putPack(vault, pack.id, pack.bytes);
    return { ...content, fresh, reused: content.reused.filter((id) => !gone.has(id)) };
  }

  async *#collect({ custody }: SimulatedProcess): AsyncGenerator<void, void> {
    const days = { trashDays: this.#random.below(4), purgeDays: this.#random.below(3) };
    const options: FolderCollectOptions = {
      dateConfirmed: this.#random.chance(0.8),
      ...(this.#random.chance(0.5) ? days : {}),
    };
    const report = await custody.collect(this.#account.vault, options);
    this.#counts.purgedPacks += report.purgedPacks;
    yield;
  }

  /** Whoever was told that a hold stands relies on it from then on. */
  async *#hold({ custody }: SimulatedProcess, device: number): AsyncGenerator<void, void> {
    const releases = this.#releases;
    await custody.setHold(this.#account.vault, (this.#account.devices[device] as FixtureDevice).deviceId);
    // Another process may have released it before this one was told.
    if (releases === this.#releases) {
      await this.#witness.hold();
      this.#counts.holds += 1;
    }
    yield;
  }

  async #release(): Promise<void> {
    const { custody, end } = await this.#start(0, 'unharmed');
    this.#releases += 1;
    this.#witness.release();
    const entry = this.#account.nextEntry({ kind: 'release-hold', vaultId: this.#account.vault });
    if ((await custody.appendKeychain(entry)) !== 'appended') throw new Error('the release was not appended');
    await end();
  }

  async *#forget({ custody }: SimulatedProcess): AsyncGenerator<void, void> {
    const kept = this.#witness.kept();
    const chosen = kept.filter(({ state }) => this.#random.chance(state === 'active' ? 0.3 : 0.1));
    if (chosen.length === 0) return;
    const verb = this.#random.chance(0.75) ? 'trash' : 'untrash';
    yield;
    await custody[verb](
      this.#account.vault,
      chosen.map(({ seq }) => seq),
    );
  }

  #newPack(kind: 1 | 2): FixturePack {
    const pack = createPack(this.#account.vault, kind, 1, this.#random.noise);
    this.#packs.set(toHex(pack.id), pack);
    this.#sizes.set(toHex(pack.id), pack.bytes.length);
    return pack;
  }
}

type Work = (process: SimulatedProcess) => AsyncGenerator<void, void>;

interface Content {
  readonly fresh: readonly FixturePack[];
  readonly reused: readonly string[];
  readonly parent: WitnessedSnapshot | undefined;
}

/** What a command may say to its user, who then tries again. */
function isExpected(error: unknown): boolean {
  return error instanceof CustodyError && (error.code === 'unavailable' || error.code === 'refused');
}

function listOf(ids: readonly string[]): PackIdList {
  return sortPackIds(ids.map((id) => new Uint8Array(Buffer.from(id, 'hex')) as PackId));
}

function idsOf(list: PackIdList): readonly string[] {
  return Array.from({ length: list.length / 32 }, (_, index) => toHex(list.subarray(index * 32, index * 32 + 32)));
}
