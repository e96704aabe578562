/** Draws what a keeper says instead of the truth: which answers, how often, and what stands in them. */
import type { Custody } from '@keephold/protocol';
import {
  acceptAndForget,
  acceptAnother,
  alwaysMoved,
  type ChangeBytes,
  changeCommits,
  changeObjects,
  changePacks,
  changeSlots,
  hideCommitsAfter,
  hideEntriesAfter,
  type Lie,
} from '@keephold/testkit';
import type { DamagedHome, FileKind } from '../../apps/keephold/tests/damage/_damaged-home.ts';
import type { SeededRandom } from '../crash/seeded-random.ts';

export interface DrawnLie {
  /** In words. */
  readonly what: string;
  readonly lie: Lie;
  /** The newest commit that it shows; undefined: all. */
  readonly shownUntil?: number;
  /** It hides the newest entries of the keychain. */
  readonly hidesEntries?: true;
  /** It loses a commit that it says it took. */
  readonly losesCommits?: true;
}

/** Commits of the repository. */
const COMMITS = 3;
const LENGTHS = [1, 2, 16, 4096];

export function drawLies(told: DamagedHome, stranger: DamagedHome, random: SeededRandom): readonly DrawnLie[] {
  const makers = [packs, packs, objects, objects, commits, hidden, entries, writing, refsets, ways] as const;
  return Array.from({ length: 1 + random.below(3) }, () =>
    makers[random.below(makers.length)]!({ told, stranger, random }),
  );
}

interface Draw {
  readonly told: DamagedHome;
  /** Of another account. */
  readonly stranger: DamagedHome;
  readonly random: SeededRandom;
}

function packs(draw: Draw): DrawnLie {
  const [what, change] = changed(draw, ['data-pack', 'meta-pack']);
  return { what: `packs ${what}`, lie: changePacks(change) };
}

function objects(draw: Draw): DrawnLie {
  const [what, change] = changed(draw, ['data-index', 'meta-index', 'session', 'snapshot']);
  return { what: `objects ${what}`, lie: changeObjects(change) };
}

function commits(draw: Draw): DrawnLie {
  const [what, change] = changed(draw, ['commit']);
  // One of them at least is the newest that counts.
  return { what: `commits ${what}`, lie: changeCommits(change), shownUntil: 0 };
}

function hidden({ random }: Draw): DrawnLie {
  const seq = random.below(COMMITS);
  return { what: `the vault as it was at commit ${seq}`, lie: hideCommitsAfter(seq), shownUntil: seq };
}

function entries({ told, random }: Draw): DrawnLie {
  const count = random.below(told.files.filter(({ kind }) => kind === 'keychain').length);
  return { what: `the keychain as it was with ${count} entries`, lie: hideEntriesAfter(count), hidesEntries: true };
}

function writing({ random }: Draw): DrawnLie {
  const lies: readonly DrawnLie[] = [
    { what: 'commits taken and forgotten', lie: acceptAndForget, losesCommits: true },
    { what: 'commits taken as another', lie: acceptAnother },
    { what: 'a head that never stays', lie: alwaysMoved },
  ];
  return lies[random.below(lies.length)]!;
}

/** The lists that nobody signed in full: digests of them are. */
function refsets({ random }: Draw): DrawnLie {
  const loses = random.below(2) === 0;
  const id = random.bytes(32);
  const changedList = (list: Uint8Array): Uint8Array =>
    loses ? list.subarray(32) : new Uint8Array(Buffer.concat([list, id]));
  const lie = (truth: Custody): Partial<Custody> => ({
    refset: async (vault, seq) => changedList(await truth.refset(vault, seq)),
    referablePacks: async (vault) => changedList(await truth.referablePacks(vault)),
  });
  return { what: loses ? 'lists of packs that lack one' : 'lists of packs with one more', lie };
}

/** What opens the keys. */
function ways({ random }: Draw): DrawnLie {
  const [where, bit] = [random.below(1_000_000), random.below(8)];
  const flip = (bytes: Uint8Array): Uint8Array => {
    const at = where % bytes.length;
    return bytes.with(at, bytes[at]! ^ (1 << bit));
  };
  if (random.below(2) === 0) return { what: `slots with bit ${bit} of byte ${where} flipped`, lie: changeSlots(flip) };
  const lie = (truth: Custody): Partial<Custody> => ({
    keyring: async () => {
      const sealed = await truth.keyring();
      return sealed && flip(sealed);
    },
  });
  return { what: `a keyring with bit ${bit} of byte ${where} flipped`, lie };
}

/** A part of all answers of a kind is changed, and always the same ones: a keeper may keep to its story. */
function changed({ told, stranger, random }: Draw, kinds: readonly FileKind[]): [string, ChangeBytes<unknown>] {
  const [where, length, part, bit] = [
    random.below(1_000_000),
    LENGTHS[random.below(4)]!,
    1 + random.below(3),
    random.below(8),
  ];
  const noise = random.bytes(length);
  const all = (home: DamagedHome): readonly Uint8Array[] =>
    home.files.filter(({ kind }) => kinds.includes(kind)).map(({ path }) => new Uint8Array(home.original(path)));
  const [own, foreign] = [all(told), all(stranger)];
  const ways: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array | undefined])[] = [
    [
      `with bit ${bit} of byte ${where} flipped`,
      (bytes) => bytes.with(where % bytes.length, bytes[where % bytes.length]! ^ (1 << bit)),
    ],
    [`with ${length} other bytes at ${where}`, (bytes) => overwritten(bytes, where % bytes.length, noise)],
    [`cut at ${where}`, (bytes) => bytes.subarray(0, where % bytes.length)],
    [`longer by ${length}`, (bytes) => new Uint8Array(Buffer.concat([bytes, noise]))],
    ['withheld', () => undefined],
    ['in the place of each other', () => own[where % own.length]],
    ['of another account', () => foreign[where % foreign.length]],
  ];
  const [what, change] = ways[random.below(ways.length)]!;
  const isMeant = (bytes: Uint8Array): boolean => (bytes.at(-1)! + where) % part === 0;
  return [`${what} (one of ${part})`, (bytes) => (bytes.length > 0 && isMeant(bytes) ? change(bytes) : bytes)];
}

function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(by.subarray(0, bytes.length - at), at);
  return copy;
}
