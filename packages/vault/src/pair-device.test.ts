/** Pairing by ticket, with a carrier of the messages that alters, swaps and withholds (security.md §11, M7, M10). */
import { sha256 } from '@keephold/crypto';
import { asObjectName, walkKeychain } from '@keephold/protocol';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MemoryAccount, NOW, seededRandom, type TestAccount, testAccount } from './_memory-account.ts';
import {
  type Approval,
  appendDevice,
  countersign,
  createPairingTicket,
  type DeviceKeys,
  draftDevice,
  finishPairing,
  formatPairingTicket,
  generateDeviceKeys,
  offerDevice,
  openDevice,
  openName,
  type PairingOffer,
  type PairingTicket,
  parsePairingTicket,
  readOffer,
  recordVerifier,
  requestDeletion,
  VaultError,
} from './index.ts';

const altered = { code: 'pairing-altered' };
let base: TestAccount;

beforeAll(async () => {
  base = await testAccount(41);
});

interface Started {
  readonly custody: MemoryAccount;
  readonly ticket: PairingTicket;
  readonly keys: DeviceKeys;
  readonly offer: PairingOffer;
  readonly approval: Approval;
}

async function start(seed: number, role: Approval['role'] = 'backup-only'): Promise<Started> {
  const { account } = base;
  const random = seededRandom(seed);
  const custody = base.custody.clone();
  const { genesisHash } = account.unlocked.secret;
  const ticket = createPairingTicket({ accountId: account.accountId, genesisHash }, random);
  const keys = await generateDeviceKeys(random);
  const offer = await offerDevice(ticket, { keys, name: 'attic', random });
  const { vaultId } = account;
  const approval = { ticket, offer, role, vaultId, headPin: undefined, custody, now: NOW, random };
  return { custody, ticket, keys, offer, approval };
}

async function pair({ ticket, keys, approval }: Started) {
  const { unlocked } = base.account;
  const draft = await draftDevice(unlocked, approval);
  const countersignature = countersign(ticket, keys, draft);
  const paired = await appendDevice(unlocked, approval, { draft, countersignature });
  if (paired === undefined) throw new Error('another entry was first');
  return { draft, countersignature, ...paired };
}

describe('pairing by ticket', () => {
  it('gives the device its keys, its role and pins, and the account its name', async () => {
    for (const [role, reads] of [
      ['backup-only', false],
      ['trusted', true],
    ] as const) {
      const started = await start(reads ? 51 : 50, role);
      const { heads, unlocked } = await pair(started);
      const { custody, keys } = started;
      const typed = parsePairingTicket(` ${formatPairingTicket(started.ticket)}\n`);
      const state = await finishPairing(typed, keys, { heads, custody });
      expect(state.role).toBe(role);
      expect(state.grant.readKeySeeds !== undefined).toBe(reads);
      expect(state.grant.keychainPin.seq).toBe(unlocked.keychain.seq);
      await openDevice(custody, state);
      const { sealedName } = [...unlocked.keychain.devices.values()].at(-1) ?? {};
      const context = { ...unlocked.secret, accountId: unlocked.accountId };
      expect(await openName(sealedName ?? new Uint8Array(), context)).toBe('attic');
    }
  });

  it('stops when the bundle, the name or their MAC is another one', async () => {
    const { ticket, offer } = await start(52);
    const other = await start(53);
    const swaps = [{ bundle: other.offer.bundle }, { sealedName: other.offer.sealedName }, { mac: other.offer.mac }];
    for (const swap of swaps) await expect(readOffer(ticket, { ...offer, ...swap })).rejects.toMatchObject(altered);
  });

  it('lets the device sign only what the app sent, and only about itself', async () => {
    const { ticket, keys, approval } = await start(54);
    const draft = await draftDevice(base.account.unlocked, approval);
    const raised = { ...draft, fields: { ...draft.fields, role: 'trusted' } as const };
    expect(() => countersign(ticket, keys, raised)).toThrow(VaultError);
    const other = await start(55);
    expect(() => countersign(ticket, other.keys, draft)).toThrow(VaultError);
    const wrong = new Uint8Array(64);
    const answer = appendDevice(base.account.unlocked, approval, { draft, countersignature: wrong });
    await expect(answer).rejects.toMatchObject({ code: 'bad-signature' });
  });

  it('stops when heads, grant or keychain are not those of the app', async () => {
    const started = await start(56);
    const { heads } = await pair(started);
    const { ticket, keys, custody } = started;
    const finish = async (change: object, from: MemoryAccount = custody) =>
      await finishPairing(ticket, keys, { heads: { ...heads, ...change }, custody: from });
    const zeros = asObjectName(sha256(new Uint8Array()));
    await expect(finish({ grant: zeros })).rejects.toMatchObject(altered);
    await expect(finish({ keychain: { seq: 0, hash: heads.keychain.hash } })).rejects.toMatchObject(altered);
    await expect(finish({ vault: { ...heads.vault, head: heads.keychain } })).rejects.toMatchObject(altered);
    const older = custody.clone();
    older.entries.pop();
    for (const [name, bytes] of custody.grants) older.grants.set(name, bytes);
    await expect(finish({}, older)).rejects.toMatchObject({ code: 'rollback' });
    const another = (await testAccount(42)).custody;
    await expect(finish({}, another)).rejects.toMatchObject({ code: 'fork' });
    const withheld = custody.clone();
    await expect(finish({}, withheld)).rejects.toMatchObject(altered);
    await finish({});
  });

  it('begins the draft again when another entry was first', async () => {
    const started = await start(57);
    const { unlocked, vaultId } = base.account;
    const { ticket, keys, approval, custody } = started;
    const draft = await draftDevice(unlocked, approval);
    const countersignature = countersign(ticket, keys, draft);
    await requestDeletion(unlocked, [1], { custody, vaultId, now: NOW });
    expect(await appendDevice(unlocked, approval, { draft, countersignature })).toBeUndefined();
    const current = { ...unlocked, keychain: walkKeychain(custody.entries, recordVerifier) };
    const again = await draftDevice(current, approval);
    const answer = { draft: again, countersignature: countersign(ticket, keys, again) };
    const paired = await appendDevice(current, approval, answer);
    if (paired === undefined) throw new Error('not paired');
    await finishPairing(ticket, keys, { heads: paired.heads, custody });
  });
});

describe('tickets', () => {
  it('are read back as they were written, and anything else is refused without repeating it', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, fc.string(), (secret, noise) => {
        const { accountId, unlocked } = base.account;
        const { genesisHash } = unlocked.secret;
        const ticket = createPairingTicket({ accountId, genesisHash }, () => secret);
        const text = formatPairingTicket(ticket);
        expect(text.length).toBe(108);
        expect(parsePairingTicket(text)).toEqual(ticket);
        for (const bad of [text.slice(1), `${text}A`, noise, text.replace(/^./, 'B')]) {
          expect(() => parsePairingTicket(bad)).toThrow('read pairing ticket: it is not one, or not whole');
        }
      }),
    );
  });
});
