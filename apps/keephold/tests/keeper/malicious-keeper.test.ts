/**
 * The real command against a keeper that lies: the rows of security.md §11 that a folder or a server can play. Each lie
 * ends in an error that says what is wrong, and nothing wrong is ever handed out or relied on.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCbor, encodeCbor, equalBytes } from '@keephold/bytes';
import { openRepositoryFolder } from '@keephold/custody';
import { PACK_HEADER_LENGTH, SEALED_PAGE_LENGTH } from '@keephold/protocol';
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
  recordCalls,
} from '@keephold/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signerOf } from '../../src/access/open-device.ts';
import { DamagedHome, filesOf } from '../damage/_damaged-home.ts';
import { Home } from '../damage/_home.ts';
import { bytesOf, evidenceOf, expectNothingWrong, expectRefused, flipped, runLiedTo } from './_lied-to.ts';

let told: DamagedHome;
/** Of another account. */
let stranger: DamagedHome;
beforeAll(async () => {
  told = await DamagedHome.create();
  stranger = await DamagedHome.create();
}, 300_000);
afterAll(() => {
  told[Symbol.dispose]();
  stranger[Symbol.dispose]();
});
beforeEach(async () => await told.reset('same'));

const all = (home: Home): readonly (readonly string[])[] => [
  ['backup', home.data],
  ['snapshots'],
  ['restore', `latest:${home.data}`, '--target', join(home.folder, 'out')],
  ['check'],
  ['forget'],
  ['gc'],
];

describe('M1', () => {
  const DATA = 1;
  const kindOfPack = (bytes: Uint8Array): number => bytes[5]!;
  const onlyData =
    (change: (bytes: Uint8Array) => Uint8Array): ChangeBytes<unknown> =>
    (bytes) =>
      kindOfPack(bytes) === DATA ? change(bytes) : bytes;
  const page = (n: number): number => PACK_HEADER_LENGTH + n * SEALED_PAGE_LENGTH;
  const swapPages = (bytes: Uint8Array): Uint8Array => {
    const swapped = bytes.slice();
    swapped.set(bytes.subarray(page(1), page(2)), page(0));
    swapped.set(bytes.subarray(page(0), page(1)), page(1));
    return swapped;
  };
  const packs: readonly (readonly [string, () => Lie])[] = [
    ['pages of a pack swapped', () => changePacks(onlyData(swapPages))],
    ['one pack in the place of another', () => changePacks(onlyData(() => bytesOf(told, 'data-pack', -1)))],
    ['a pack of another account', () => changePacks(onlyData(() => bytesOf(stranger, 'data-pack')))],
    [
      'a data pack for a meta pack',
      () => changePacks((bytes) => (kindOfPack(bytes) === DATA ? bytes : bytesOf(told, 'data-pack'))),
    ],
    ['a pack cut by a page', () => changePacks(onlyData((bytes) => bytes.subarray(0, -SEALED_PAGE_LENGTH)))],
    ['a pack cut in its header', () => changePacks(onlyData((bytes) => bytes.subarray(0, 50)))],
    [
      'a pack with a page more',
      () => changePacks(onlyData((bytes) => new Uint8Array([...bytes, ...bytes.subarray(page(0), page(1))]))),
    ],
    ['another number of pages in a header', () => changePacks(onlyData((bytes) => flipped(bytes, 40)))],
    ['another session in a header', () => changePacks(onlyData((bytes) => flipped(bytes, 25)))],
    ['nothing at all of a pack', () => changePacks(onlyData(() => new Uint8Array(0)))],
  ];
  it.each(packs)('%s: found, and nothing of it is handed out', { timeout: 120_000 }, async (_, lie) => {
    await expectNothingWrong(told, [lie()], /"kind":"(?:damaged|missing)-pack"/);
  });

  const TYPE = { 'data-index': 0x10, session: 0x11, 'meta-index': 0x12, snapshot: 0x20 } as const;
  type Kind = keyof typeof TYPE;
  const kinds = Object.keys(TYPE) as Kind[];
  const only = (kind: Kind, change: (bytes: Uint8Array) => Uint8Array): Lie =>
    changeObjects((bytes) => (bytes[5] === TYPE[kind] ? change(bytes) : bytes));
  it.each(kinds)(
    'a %s of another account, of another kind, or with another keyCheck: found',
    { timeout: 120_000 },
    async (kind) => {
      const other = kind === 'snapshot' ? 'session' : 'snapshot';
      for (const change of [
        () => bytesOf(stranger, kind),
        () => bytesOf(told, other),
        (bytes: Uint8Array) => flipped(bytes, 70),
        (bytes: Uint8Array) => bytes.subarray(0, -1),
      ]) {
        rmSync(join(told.home.folder, 'out'), { recursive: true, force: true });
        await expectNothingWrong(
          told,
          [only(kind, change)],
          /"kind":"(?:damaged-index|commit|record|damaged-pack|damaged-tree|missing-blob)"/,
        );
      }
    },
  );

  it('commits in the place of others, or of another account: no commit of it is believed', async () => {
    const lies: readonly (readonly [ChangeBytes<number>, RegExp])[] = [
      [(bytes, seq) => (seq === 2 ? bytesOf(told, 'commit', 2) : bytes), /commit 2/],
      [(bytes, seq) => (seq === 2 ? bytesOf(stranger, 'commit', 1) : bytes), /commit 2/],
    ];
    for (const [change, says] of lies) {
      rmSync(join(told.home.folder, 'out'), { recursive: true, force: true });
      await expectNothingWrong(told, [changeCommits(change)], says);
    }
  });

  it('the newest commit altered: told, and an older snapshot is not passed off as the newest', {
    timeout: 120_000,
  }, async () => {
    const lie = changeCommits((bytes, seq) => (seq === 3 ? flipped(bytes, -3) : bytes));
    const out = join(told.home.folder, 'out');
    const restore = await runLiedTo(told.home, ['restore', `latest:${told.home.data}`, '--target', out], [lie]);
    expect(restore.code, restore.stdout).toBe(3);
    expect(restore.stderr).toMatch(/commit 3/);
    expect(told.compare(out, restore)).toEqual({ wrong: [], missing: ['a/newer'], unnamed: ['a/newer'] });
    const refusal = { exitCode: 13, says: /read commit 3/ };
    await expectRefused(told.home, [lie], { verbs: [['check']], refusal });
  });
});

describe('M2', () => {
  it('an older head: refused by everything that this device does', { timeout: 120_000 }, async () => {
    const refusal = { code: 'rollback', exitCode: 13, says: /commit 2, this device has seen 3/ };
    await expectRefused(told.home, [hideCommitsAfter(2)], { verbs: all(told.home), refusal });
    const kept = [...evidenceOf(told.home).values()];
    expect(kept.map(({ code }) => code)).toEqual(['rollback']);
    // And nothing of it is held against the keeper that tells the truth again.
    expect((await told.home.run(['backup', told.home.data, '--json'])).code).toBe(0);
  });

  it('an empty history: refused', async () => {
    const refusal = { code: 'rollback', exitCode: 13 };
    await expectRefused(told.home, [hideCommitsAfter(0)], { verbs: all(told.home).slice(0, 3), refusal });
  });

  it('an older keychain: refused', async () => {
    const entries = told.files.filter(({ kind }) => kind === 'keychain').length;
    const refusal = { code: 'rollback', exitCode: 13, says: /keychain/ };
    await expectRefused(told.home, [hideEntriesAfter(entries - 1)], { verbs: all(told.home), refusal });
  });

  it('an older head, to a machine that reads with the password: refused by what it has read before', async () => {
    told.home.forgetEverything();
    expect((await told.home.run(['snapshots'])).code).toBe(0);
    const refusal = { code: 'rollback', exitCode: 13 };
    await expectRefused(told.home, [hideCommitsAfter(2)], { verbs: [['snapshots']], refusal });
  });
});

describe('M3', () => {
  it('two histories to two devices: each refuses the one of the other, and keeps the signed proof', {
    timeout: 300_000,
  }, async () => {
    const { home } = told;
    using laptop = new Home();
    laptop.repository = home.repository;
    mkdirSync(laptop.data);
    writeFileSync(join(laptop.data, 'file'), 'of the laptop');
    expect((await laptop.run(['backup', laptop.data, '--trusted'])).code).toBe(0);
    expect((await home.run(['backup', home.data])).code).toBe(0);
    expect((await laptop.run(['snapshots'])).code).toBe(0);
    // From here on the keeper has two stories.
    const other = join(home.folder, 'other');
    cpSync(home.repository, other, { recursive: true });
    const own = home.repository;
    laptop.repository = other;
    expect((await home.run(['backup', home.data])).code).toBe(0);
    expect((await laptop.run(['backup', laptop.data])).code).toBe(0);
    laptop.repository = own;
    home.repository = other;
    try {
      for (const device of [home, laptop]) {
        const refusal = { code: 'fork', exitCode: 13, says: /not the one this device has seen/ };
        const verbs = [['backup', device.data], ['gc']];
        await expectRefused(device, [], { verbs, refusal });
        const [evidence] = evidenceOf(device).values();
        expect(evidence?.code).toBe('fork');
        const shown = new Uint8Array(Buffer.from(evidence?.record ?? '', 'hex'));
        const seq = readFileSync(join(device.repository, newestCommit(device.repository)));
        expect(equalBytes(shown, seq)).toBe(true);
      }
      // A longer story is none the truer.
      home.repository = own;
      expect((await home.run(['backup', home.data])).code).toBe(0);
      await expectRefused(laptop, [], {
        verbs: [['backup', laptop.data], ['snapshots']],
        refusal: { code: 'fork', exitCode: 13 },
      });
    } finally {
      home.repository = own;
    }
  });

  it('a commit that is accepted as another: refused at once', async () => {
    const refusal = { code: 'fork', exitCode: 13, says: /names another commit/ };
    await expectRefused(told.home, [acceptAnother], { verbs: [['backup', told.home.data]], refusal });
  });
});

function newestCommit(repository: string): string {
  const file = filesOf(repository).filter(({ kind }) => kind === 'commit');
  return file
    .map(({ path }) => path)
    .toSorted()
    .at(-1)!;
}

describe('M4', () => {
  const TYPES = { 'index object': 0x10, 'session object': 0x11, 'snapshot object': 0x20 };
  it.each(Object.entries(TYPES))('an %s withheld: told as missing', { timeout: 120_000 }, async (_, type) => {
    const withheld = changeObjects((bytes) => (bytes[5] === type ? undefined : bytes));
    await expectNothingWrong(told, [withheld], /is not there|no session object/);
  });

  it('a pack withheld: the snapshots that need it are named, the others restore', { timeout: 120_000 }, async () => {
    const needed = await packsOfSnapshot(told, 1);
    const withheld = changePacks((bytes, packId) => (needed.has(hex(packId)) || bytes[5] !== 1 ? bytes : undefined));
    await expectNothingWrong(told, [withheld], /"kind":"missing-pack".*"affects":\["#2/);
    const out = join(told.home.folder, 'other');
    const first = await runLiedTo(told.home, ['restore', `#1:${told.home.data}`, '--target', out], [withheld]);
    expect(first.code, first.stdout).toBe(0);
    expect(told.compare(out, first).wrong).toEqual([]);
  });
});

async function packsOfSnapshot(home: DamagedHome, seq: number): Promise<ReadonlySet<string>> {
  await using custody = await openRepositoryFolder(home.home.repository);
  const refset = await custody.refset(home.device.grant.vaultId, seq);
  return new Set(Array.from({ length: refset.length / 32 }, (_, i) => hex(refset.subarray(i * 32, i * 32 + 32))));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('M6', () => {
  /** Cost parameters of a password slot, field 4 of the record (security.md §3.7 and §4). */
  function withCost(memory: number, passes: number): Lie {
    return changeSlots((record) => {
      const slot = new Map(decodeCbor(record) as Map<number, never>);
      const parameters = slot.get(4) as unknown as Map<number, unknown>;
      if (parameters.size === 0) return record;
      const changed = new Map(parameters).set(1, memory).set(2, passes);
      return encodeCbor(slot.set(4, changed as never) as never);
    });
  }

  it.each([
    ['lowered below what anybody would choose', 8, 1],
    ['raised beyond all bounds', 4_000_000_000, 3],
    ['of absurdly many passes', 131_072, 4_000_000_000],
  ])('costs of the password %s: refused before anything is computed', async (_, memory, passes) => {
    const refusal = { code: 'downgrade-argon2', exitCode: 13 };
    await expectRefused(told.home, [withCost(memory, passes)], { verbs: [['keys', 'list']], refusal });
  });

  it('costs lowered within bounds: a slot that the keychain does not name, so nothing is tried on it', async () => {
    const refusal = { code: 'way-in-damaged', exitCode: 13 };
    await expectRefused(told.home, [withCost(65_536, 3)], { verbs: [['keys', 'list']], refusal });
  });

  it('another version or suite of packs and objects: nothing of it is read', { timeout: 120_000 }, async () => {
    for (const at of [4, 6]) {
      rmSync(join(told.home.folder, 'out'), { recursive: true, force: true });
      await expectNothingWrong(told, [changePacks((bytes) => flipped(bytes, at))], /"kind":"damaged-pack"/);
    }
    rmSync(join(told.home.folder, 'out'), { recursive: true, force: true });
    await expectNothingWrong(told, [changeObjects((bytes) => flipped(bytes, 4))], /"kind":"(?:commit|damaged-index)"/);
  });

  it('a keyring of another version: refused', async () => {
    const lie: Lie = (truth) => ({
      keyring: async () => {
        const sealed = await truth.keyring();
        return sealed && sealed.with(4, 2);
      },
    });
    await expectRefused(told.home, [lie], {
      verbs: [['keys', 'list']],
      refusal: { code: 'keyring-damaged', exitCode: 13 },
    });
  });
});

describe('M11', () => {
  it('a commit that is accepted and not kept: the next run refuses to go on', { timeout: 120_000 }, async () => {
    const { home } = told;
    expect((await runLiedTo(home, ['backup', home.data], [acceptAndForget])).code).toBe(0);
    await expectRefused(home, [], {
      verbs: [['backup', home.data], ['snapshots']],
      refusal: { code: 'rollback', exitCode: 13 },
    });
  });

  it('a commit over packs that are gone already: check finds them, and the next backup after it stores them again', {
    timeout: 120_000,
  }, async () => {
    const { home } = told;
    for (const { kind, path } of told.files) if (kind === 'data-pack') told.damage(path, () => undefined);
    expect((await home.run(['backup', home.data])).code).toBe(0);
    const check = await home.run(['check', '--json']);
    expect(check.code).toBe(13);
    expect(check.stdout).toMatch(/"kind":"missing-pack".*"affects":\["#1:/);
    expect((await home.run(['backup', home.data])).code).toBe(0);
    const out = join(home.folder, 'out');
    const restore = await home.run(['restore', `latest:${home.data}`, '--target', out, '--json']);
    expect(restore.code, restore.stdout).toBe(0);
    expect(told.compare(out, restore)).toEqual({ wrong: [], missing: [], unnamed: [] });
  });

  it('a head that moves without end: given up, and nothing is lost', { timeout: 120_000 }, async () => {
    const { home } = told;
    await expectRefused(home, [alwaysMoved], {
      verbs: [['backup', home.data]],
      refusal: { code: 'no-progress', exitCode: 1 },
    });
    expect((await home.run(['backup', home.data])).code).toBe(0);
    expect((await home.run(['check', '--read-data'])).code).toBe(0);
  });
});

describe('M12', () => {
  it('a snapshot that a device let expire before its time: "purged early", told by what reads next and by check', {
    timeout: 120_000,
  }, async () => {
    const { home } = told;
    // Not the command, which asks for the password: what a device that was taken over would do.
    await using custody = await openRepositoryFolder(home.repository, { signer: signerOf(told.device) });
    await custody.trash(told.device.grant.vaultId, [1]);
    expect((await custody.collect(told.device.grant.vaultId, { trashDays: 0 })).expiredSnapshots).toBe(1);
    const snapshots = await home.run(['snapshots']);
    expect([snapshots.code, snapshots.stderr]).toEqual([0, expect.stringMatching(/snapshot #1 was purged early/)]);
    const check = await home.run(['check', '--json']);
    expect(check.code).toBe(13);
    expect(check.stdout).toMatch(/"kind":"commit".*snapshot #1 was purged early: it was to stay restorable until 20/);
  });

  it('what the owner lets go at once is no alarm', { timeout: 120_000 }, async () => {
    const { home } = told;
    for (const verb of [
      ['forget', '#1'],
      ['gc', '--trash-days', '0', '--purge-days', '0'],
    ])
      expect((await home.run(verb)).code).toBe(0);
    const check = await home.run(['check', '--json']);
    expect(check.code, check.stdout).toBe(0);
    expect((await home.run(['snapshots'])).stderr).toBe('');
  });
});

describe('M15', () => {
  it('other files of as many bytes: what the keeper sees of backup and restore has the same lengths', {
    timeout: 120_000,
  }, async () => {
    const views = [];
    for (const [names, cut] of [
      [['letters', 'diary', 'photo'], 0],
      [['x', 'accounts', 'report 7'], 60_000],
    ] as const) {
      using home = new Home();
      mkdirSync(home.data, { recursive: true });
      const sizes = [200_000 + cut, 200_000 - cut / 2, 200_000 - cut / 2];
      for (const [i, name] of names.entries()) writeFileSync(join(home.data, name), noise(sizes[i]!, i + cut));
      const seen: string[] = [];
      const out = join(home.folder, 'out');
      expect((await home.run(['init', '--trusted'])).code).toBe(0);
      for (const verb of [
        ['backup', home.data],
        ['restore', `latest:${home.data}`, '--target', out],
      ])
        expect((await runLiedTo(home, verb, [recordCalls(seen)])).code).toBe(0);
      expect(seen.length).toBeGreaterThan(6);
      const files = filesOf(home.repository).map(({ kind, size }) => `${kind} ${size}`);
      views.push({ seen: seen.toSorted(), files: files.filter((line) => !line.startsWith('ledger')).toSorted() });
    }
    expect(views[1]).toEqual(views[0]);
  });
});

function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
