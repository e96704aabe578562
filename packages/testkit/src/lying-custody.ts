/**
 * A keeper that lies: a real custody, some of whose answers are a script's. Lies are small and combine; what a client
 * must make of them is said in security.md §11, rows M1 to M19.
 */
import { createHash } from 'node:crypto';
import { concatBytes } from '@keephold/bytes';
import {
  type Custody,
  commitHashInput,
  type Head,
  type ObjectName,
  overrideCustody,
  PACK_HEADER_LENGTH,
  type PackId,
  packLength,
  parseCommit,
  parsePackHeader,
  SEALED_PAGE_LENGTH,
  type VaultId,
} from '@keephold/protocol';

/** What it answers instead; it may ask the truth. */
export type Lie = (truth: Custody) => Partial<Custody>;

/** The first lie is closest to the truth. */
export function lyingCustody(truth: Custody, lies: readonly Lie[]): Custody {
  return lies.reduce((custody, lie) => overrideCustody(custody, lie(custody)), truth);
}

/** The vault as it was when `seq` was its newest commit. */
export function hideCommitsAfter(seq: number): Lie {
  return (truth) => ({
    head: async (vault) => await headAt(truth, vault, seq),
    commits: async function* (vault, since) {
      for await (const commit of truth.commits(vault, since)) if (commit.seq <= seq) yield commit;
    },
    snapshots: async (vault) => (await truth.snapshots(vault)).filter((snapshot) => snapshot.seq <= seq),
  });
}

/** The keychain as it was when it had so many entries. */
export function hideEntriesAfter(count: number): Lie {
  return (truth) => ({
    keychain: async (from) => (await truth.keychain(from)).slice(0, Math.max(0, count - from)),
  });
}

export type ChangeBytes<Name> = (bytes: Uint8Array, name: Name) => Uint8Array | undefined;

/** Packs are read as `change` makes them; undefined: not there. */
export function changePacks(change: ChangeBytes<PackId>): Lie {
  return (truth) => ({
    getPack: async (vault, packId, into, range) => {
      const whole = await wholePack(truth, vault, packId);
      const told = whole && change(whole, packId);
      if (told === undefined) return undefined;
      const start = range === undefined ? 0 : PACK_HEADER_LENGTH + range.first * SEALED_PAGE_LENGTH;
      const end = range === undefined ? told.length : start + range.count * SEALED_PAGE_LENGTH;
      const part = told.subarray(start, end);
      into.set(part.subarray(0, into.length));
      // How much it says may be more than there was room for.
      return part.length;
    },
  });
}

/** Objects are read as `change` makes them; undefined: not there. */
export function changeObjects(change: ChangeBytes<ObjectName>): Lie {
  return (truth) => ({
    getObjects: async (vault, names) => {
      const objects = await truth.getObjects(vault, names);
      return objects.map((bytes, i) => bytes && change(bytes, names[i] as ObjectName));
    },
  });
}

export const changeCommits = (change: ChangeBytes<number>): Lie => {
  return (truth) => ({
    commits: async function* (vault, since) {
      for await (const { seq, bytes } of truth.commits(vault, since)) {
        const told = change(bytes, seq);
        if (told !== undefined) yield { seq, bytes: told };
      }
    },
  });
};

export function changeSlots(change: (record: Uint8Array) => Uint8Array): Lie {
  return (truth) => ({ slots: async () => (await truth.slots()).map((record) => change(record)) });
}

/** Says that it has accepted a commit, with the right head, and keeps nothing of it. */
export const acceptAndForget: Lie = () => ({
  commit: async (_vault, { bytes }) => ({ kind: 'accepted', head: { seq: seqOf(bytes), hash: hashOf(bytes) } }),
});

/** Accepts a commit and says that the head is another. */
export const acceptAnother: Lie = (truth) => ({
  commit: async (vault, request) => {
    const outcome = await truth.commit(vault, request);
    return outcome.kind === 'accepted' ? { ...outcome, head: { ...outcome.head, hash: new Uint8Array(32) } } : outcome;
  },
});

/** Never gets done with accepting. */
export const alwaysMoved: Lie = (truth) => ({
  commit: async (vault) => ({ kind: 'head-moved', head: await truth.head(vault) }),
});

/** Writes down what a keeper sees of each call: its name, and the lengths of what went to and fro. */
export function recordCalls(seen: string[]): Lie {
  return (truth) => ({
    putPack: async (vault, packId, bytes, options) => {
      seen.push(`putPack ${bytes.length}`);
      await truth.putPack(vault, packId, bytes, options);
    },
    putObject: async (vault, name, bytes) => {
      seen.push(`putObject ${bytes.length}`);
      await truth.putObject(vault, name, bytes);
    },
    commit: async (vault, request) => {
      const { bytes, packsAdded, refset } = request;
      seen.push(`commit ${bytes.length} ${packsAdded.length} ${refset?.added.length} ${refset?.removed.length}`);
      return await truth.commit(vault, request);
    },
    getObjects: async (vault, names) => {
      const objects = await truth.getObjects(vault, names);
      seen.push(`getObjects ${objects.map((bytes) => bytes?.length).join(' ')}`);
      return objects;
    },
    getPack: async (vault, packId, into, range) => {
      const length = await truth.getPack(vault, packId, into, range);
      seen.push(`getPack ${range?.first ?? 'all'} ${range?.count ?? ''} ${length}`);
      return length;
    },
  });
}

async function headAt(truth: Custody, vault: VaultId, seq: number): Promise<Head> {
  for await (const { bytes } of truth.commits(vault, seq === 0 ? 0 : seq - 1)) {
    return { seq, hash: seq === 0 ? parseCommit(bytes).commit.prevHash : hashOf(bytes) };
  }
  return await truth.head(vault);
}

async function wholePack(truth: Custody, vault: VaultId, packId: PackId): Promise<Uint8Array | undefined> {
  const header = new Uint8Array(PACK_HEADER_LENGTH + SEALED_PAGE_LENGTH);
  const first = await truth.getPack(vault, packId, header);
  if (first === undefined) return undefined;
  const whole = new Uint8Array(packLength(parsePackHeader(header.subarray(0, PACK_HEADER_LENGTH)).pageCount));
  const length = await truth.getPack(vault, packId, whole);
  return whole.subarray(0, length);
}

function seqOf(bytes: Uint8Array): number {
  return parseCommit(bytes).commit.seq;
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...commitHashInput(bytes)))
      .digest(),
  );
}
