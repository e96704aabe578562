import { fromHex, toHex } from '@keephold/bytes';
import {
  asKey,
  CHAIN_SESSIONS,
  generateXWing,
  IntegrityError,
  nextChainKey,
  objectName,
  snapshotKey,
  type XWingKeyPair,
} from '@keephold/crypto';
import { asDeviceId, asObjectName, asVaultId, MalformedRecordError } from '@keephold/protocol';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { NOW, seededRandom } from './_memory-account.ts';
import { SessionChainError } from './errors.ts';
import {
  type ChainState,
  chainStateMap,
  confirmSessionObjects,
  readChainState,
  type Session,
  type StartSessionOptions,
  startSession,
} from './session-chain.ts';
import { openSessionObject, SessionChainReader } from './session-reader.ts';

const vaultId = asVaultId(fromHex(vectors.V.session.input.vaultId));
const deviceId = asDeviceId(fromHex(vectors.V.session.input.deviceId));
const DAY = 24 * 3600 * 1000;

let readKey: XWingKeyPair;
beforeAll(async () => {
  readKey = await generateXWing(seededRandom(1));
});

/** A device whose disk is `stored`. */
class Disk {
  stored: ChainState | undefined;

  async start(change: Partial<StartSessionOptions> = {}): Promise<Session> {
    return startSession({
      chain: this.stored,
      vaultId,
      deviceId,
      epoch: 0,
      readKeyPublic: readKey.publicKey,
      machineId: 'machine',
      now: NOW,
      random: seededRandom(NOW + (this.stored?.next ?? 0)),
      persist: async (next) => {
        this.stored = next;
      },
      ...change,
    });
  }
}

function openedBy(session: Session, change: Partial<Parameters<typeof openSessionObject>[0]> = {}) {
  const [bytes] = session.objects as [Uint8Array];
  const readKeySeeds = new Map([[0, readKey.seed]]);
  return openSessionObject({ bytes, name: session.objectNames[0]!, vaultId, deviceId, readKeySeeds, ...change });
}

describe('session chain', () => {
  it('gives each session the key that readers derive', async () => {
    const disk = new Disk();
    const first = await disk.start();
    const reader = await openedBy(first);
    const sessions = [first, await disk.start(), await disk.start()];
    expect(new Set(sessions.map((session) => toHex(session.sessionKey))).size).toBe(3);
    for (const session of sessions.reverse()) {
      expect(session.objectNames).toEqual(first.objectNames);
      expect(reader.sessionKey(session.sessionId)).toEqual(session.sessionKey);
    }
  });

  it('makes the next state durable before a key is given out', async () => {
    const disk = new Disk();
    await disk.start();
    const before = disk.stored as ChainState;
    let given: Session | undefined;
    await expect(
      disk.start({ persist: () => Promise.reject(new Error('power cut')) }).then((session) => {
        given = session;
      }),
    ).rejects.toThrow('power cut');
    expect(given).toBeUndefined();
    let order = '';
    const session = await disk.start({
      persist: async (next) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        // What is stored can no longer give this session's key.
        expect(next.next).toBe(before.next + 1);
        expect(next.chainKey).toEqual(nextChainKey(before.chainKey));
        order += 'persisted ';
        disk.stored = next;
      },
    });
    order += 'given';
    expect(order).toBe('persisted given');
    expect(toHex(disk.stored?.chainKey as Uint8Array)).not.toBe(toHex(before.chainKey));
    expect(session.sessionId).toHaveLength(16);
  });

  it('never repeats a session id or key, whatever crashes where', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('run', 'crash before', 'crash after'), { maxLength: 8 }),
        async (runs) => {
          const disk = new Disk();
          const given: string[] = [];
          for (const run of runs) {
            if (run === 'crash before') {
              await disk.start({ persist: () => Promise.reject(new Error('x')) }).catch(() => undefined);
              continue;
            }
            const session = await disk.start();
            if (run === 'run') given.push(toHex(session.sessionId), toHex(session.sessionKey));
          }
          expect(new Set(given).size).toBe(given.length);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('starts anew after 1,024 sessions, 30 days, a new epoch, another machine, lost state and a clock set back', async () => {
    const disk = new Disk();
    await disk.start();
    const chain = disk.stored as ChainState;
    const startsAnew = async (stored: ChainState | undefined, change: Partial<StartSessionOptions> = {}) => {
      const other = new Disk();
      other.stored = stored;
      const session = await other.start({ random: seededRandom(99), ...change });
      return toHex(session.sessionId.subarray(0, 12)) !== toHex(chain.chainId);
    };
    expect(await startsAnew(chain)).toBe(false);
    expect(await startsAnew({ ...chain, next: CHAIN_SESSIONS - 1 })).toBe(false);
    expect(await startsAnew({ ...chain, next: CHAIN_SESSIONS })).toBe(true);
    expect(await startsAnew(chain, { now: NOW + 30 * DAY - 1 })).toBe(false);
    expect(await startsAnew(chain, { now: NOW + 30 * DAY })).toBe(true);
    expect(await startsAnew(chain, { now: NOW - 1 })).toBe(true);
    expect(await startsAnew(chain, { epoch: 1 })).toBe(true);
    expect(await startsAnew(chain, { machineId: 'clone' })).toBe(true);
    expect(await startsAnew(undefined)).toBe(true);
  });

  it('keeps the session objects until they are confirmed', async () => {
    const disk = new Disk();
    const first = await disk.start();
    expect((await disk.start()).objects).toEqual(first.objects);
    disk.stored = confirmSessionObjects(disk.stored as ChainState);
    const later = await disk.start();
    expect(later.objects).toBeUndefined();
    expect(later.objectNames).toEqual(first.objectNames);
  });

  it('is sealed twice, under two names: each opens all of it', async () => {
    const first = await new Disk().start();
    expect(new Set(first.objectNames.map(toHex)).size).toBe(2);
    for (const [i, name] of first.objectNames.entries()) {
      const reader = await openedBy(first, { bytes: first.objects![i]!, name });
      expect(reader.sessionKey(first.sessionId)).toEqual(first.sessionKey);
    }
  });

  it('names the chain before as well, once a commit has named that', async () => {
    const disk = new Disk();
    const first = await disk.start();
    disk.stored = confirmSessionObjects(disk.stored!);
    const second = await disk.start({ now: NOW + 31 * DAY });
    expect(second.objectNames.slice(2)).toEqual(first.objectNames);
    expect(second.objects?.map((bytes) => toHex(objectName(bytes)))).toEqual(second.objectNames.slice(0, 2).map(toHex));
    expect(readChainState(chainStateMap(disk.stored))).toEqual(disk.stored);
    // Nothing was committed with the second one: what counts is still the first.
    const third = await disk.start({ now: NOW + 62 * DAY });
    expect(third.objectNames.slice(2)).toEqual(first.objectNames);
  });

  it('goes on from a state with one session object', async () => {
    const disk = new Disk();
    await disk.start();
    const fields = chainStateMap(disk.stored as ChainState) as Map<number, never>;
    for (const key of [8, 9]) fields.delete(key);
    disk.stored = readChainState(fields);
    const { objectNames, objects } = await disk.start();
    expect([objectNames.length, objects?.length]).toEqual([1, 1]);
    fields.delete(7);
    expect(readChainState(fields).objects).toBeUndefined();
  });

  it('survives its record, which refuses damage', async () => {
    const disk = new Disk();
    await disk.start();
    const chain = disk.stored as ChainState;
    expect(readChainState(chainStateMap(chain))).toEqual(chain);
    const fields = chainStateMap(chain) as Map<number, unknown>;
    for (const key of fields.keys()) {
      const bad = new Map(fields).set(key, new Uint8Array(3)) as never;
      expect(() => readChainState(bad)).toThrow(MalformedRecordError);
    }
    for (const at of [0, 1]) {
      const swapped = { ...chain, objectNames: chain.objectNames.with(at, asObjectName(new Uint8Array(32))) };
      expect(() => readChainState(chainStateMap(swapped))).toThrow(/another name/);
    }
    for (const key of [7, 9]) {
      const half = new Map(fields);
      half.delete(key);
      expect(() => readChainState(half as never)).toThrow(/one of two/);
    }
  });
});

describe('session objects', () => {
  it('agree with the vector', async () => {
    const { sessionObjectHpke: sealed, session, snapshot } = vectors.V;
    const bytes = fromHex(sealed.object);
    const reader = await openSessionObject({
      bytes,
      name: asObjectName(fromHex(sealed.objectId)),
      vaultId,
      deviceId,
      readKeySeeds: new Map([[3, asKey('XWingSeed', fromHex(sealed.input.readKeySeed))]]),
    });
    expect(toHex(reader.chainId)).toBe(session.chainId);
    expect(reader.start).toBe(BigInt(sealed.input.start));
    const key = reader.sessionKey(fromHex(session.sessionId));
    expect(toHex(key)).toBe(session.sessionKey);
    expect(toHex(snapshotKey(key, vaultId))).toBe(snapshot.snapshotKey);
  });

  it('are refused under another name, vault, device, epoch or key', async () => {
    const session = await new Disk().start();
    const other = new Uint8Array(16).fill(5);
    await expect(openedBy(session, { name: asObjectName(new Uint8Array(32)) })).rejects.toThrow(SessionChainError);
    await expect(openedBy(session, { vaultId: asVaultId(other) })).rejects.toThrow(/context/);
    await expect(openedBy(session, { deviceId: asDeviceId(other) })).rejects.toThrow(SessionChainError);
    await expect(openedBy(session, { readKeySeeds: new Map() })).rejects.toThrow(SessionChainError);
    const stranger = new Map([[0, (await generateXWing(seededRandom(2))).seed]]);
    await expect(openedBy(session, { readKeySeeds: stranger })).rejects.toThrow(IntegrityError);
    const bytes = session.objects![0]!.slice();
    bytes[1300] = (bytes[1300] as number) ^ 1;
    await expect(openedBy(session, { bytes, name: asObjectName(objectName(bytes)) })).rejects.toThrow(IntegrityError);
  });

  it('give no key for sessions of other chains or beyond the last', () => {
    const first = asKey('ChainKey', new Uint8Array(32).fill(1));
    const reader = new SessionChainReader(first, new Uint8Array(12).fill(2), 0n);
    const id = (chain: number, n: number) => {
      const bytes = new Uint8Array(16).fill(chain, 0, 12);
      new DataView(bytes.buffer).setUint32(12, n, true);
      return bytes;
    };
    expect(reader.sessionKey(id(2, CHAIN_SESSIONS - 1))).toHaveLength(32);
    expect(() => reader.sessionKey(id(2, CHAIN_SESSIONS))).toThrow(SessionChainError);
    expect(() => reader.sessionKey(id(3, 0))).toThrow(SessionChainError);
    expect(() => reader.sessionKey(new Uint8Array(15))).toThrow(SessionChainError);
  });
});
