/**
 * One run of the program on a simulated machine: a real custody over a real folder and a real SQLite, whose clock,
 * file times and end are the simulation's. It can be killed, or its machine lose power, at any call that changes the
 * disk and at any statement or commit of the ledger.
 */

import { utimes } from 'node:fs/promises';
import { type Disk, nodeDisk } from '@keephold/backend';
import type { Custody } from '@keephold/protocol';
import { type DiskFault, faultyDisk } from '@keephold/testkit';
import { openRepositoryFolder } from '../src/index.ts';
import type { KeeperSigner } from '../src/keeper-signer.ts';
import type { Sql, SqlDatabase } from '../src/ledger/sql.ts';
import { SqliteDatabase } from '../src/ledger/sqlite-database.ts';
import { Turns } from '../src/ledger/turns.ts';

export interface ProcessOptions {
  readonly path: string;
  readonly signer: KeeperSigner;
  /** Unix milliseconds by the clock of this machine. */
  readonly now: () => number;
  readonly fault: ProcessFault | undefined;
  /** Called before each call to the disk: others may act meanwhile. */
  readonly pause: () => Promise<void>;
}

export type ProcessFault =
  | Extract<DiskFault, { readonly kind: 'kill' | 'power-cut' }>
  /** Killed at the statement or commit of the ledger with this number. */
  | { readonly kind: 'kill-in-ledger'; readonly step: number };

export interface SimulatedProcess {
  readonly custody: Custody;
  readonly isKilled: () => boolean;
  readonly end: () => Promise<void>;
}

class KilledError extends Error {}

export async function startProcess(options: ProcessOptions): Promise<SimulatedProcess> {
  const { path, signer, now, fault, pause } = options;
  let killedInLedger = false;
  const disk = faultyDisk(datedDisk(now), fault?.kind === 'kill-in-ledger' ? undefined : fault);
  const isKilled = (): boolean => killedInLedger || disk.stopped();
  let ledgerSteps = 0;
  const inLedger = (): void => {
    ledgerSteps += 1;
    if (fault?.kind === 'kill-in-ledger' && ledgerSteps >= fault.step) killedInLedger = true;
    if (isKilled()) throw new KilledError('killed in the ledger');
  };
  const pausing = wrapDisk(disk, async () => {
    await pause();
    if (isKilled()) throw new KilledError('killed');
  });
  const custody = await openRepositoryFolder(path, {
    clock: { now },
    signer,
    disk: pausing,
    openDatabase: async (file) => mortalDatabase(await SqliteDatabase.open(file), inLedger),
  });
  return { custody, isKilled, end: async () => await custody[Symbol.asyncDispose]() };
}

/** Files get the times of the simulation. */
function datedDisk(now: () => number): Disk {
  const date = async (path: string): Promise<void> => await utimes(path, now() / 1000, now() / 1000);
  return {
    ...nodeDisk,
    touch: date,
    create: async (path, mode) => {
      const file = await nodeDisk.create(path, mode);
      return {
        write: async (bytes) => await file.write(bytes),
        // Killed before, it has the time of the machine that runs the test, which is later than all simulated ones.
        sync: async () => await date(path),
        close: async () => await file.close(),
      };
    },
    // What is not durable is the faulty disk's business; real fsyncs would only cost time.
    syncDirectory: async () => {},
  };
}

/** One call at a time, so that calls that a process makes together do not race each other in the simulation. */
function wrapDisk(disk: Disk, before: () => Promise<void>): Disk {
  const turns = new Turns();
  const calls = Object.entries(disk).filter(([, call]) => typeof call === 'function');
  const wrapped = calls.map(([name, call]) => [
    name,
    async (...parameters: readonly unknown[]) =>
      await turns.take(async () => {
        await before();
        return await (call as (...all: readonly unknown[]) => Promise<unknown>)(...parameters);
      }),
  ]);
  return Object.fromEntries(wrapped) as Disk;
}

function mortalDatabase(database: SqlDatabase, step: () => void): SqlDatabase {
  const mortal = async <T>(sql: Sql, work: (sql: Sql) => Promise<T>): Promise<T> => {
    const result = await work({
      query: async (text, ...values) => {
        step();
        return await sql.query(text, ...values);
      },
    });
    // Before COMMIT: everything else of the transaction has happened, effects on files too.
    step();
    return result;
  };
  return {
    read: async (work) =>
      await database.read(
        async (sql) =>
          await work({
            query: async (text, ...values) => {
              step();
              return await sql.query(text, ...values);
            },
          }),
      ),
    transaction: async (work) => await database.transaction(async (sql) => await mortal(sql, work)),
    exclusive: async (lock, work) => await database.exclusive(lock, async (sql) => await mortal(sql, work)),
    close: async () => await database.close(),
  };
}
