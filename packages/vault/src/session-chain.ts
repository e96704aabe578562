/**
 * The writing side of the session chain (security.md §3.5). A session's key may be used only after the next chain key is
 * durable and the current one gone: `startSession` is the only way to a key and persists first.
 */
import { type CborValue, encodeCbor, equalBytes } from '@keephold/bytes';
import {
  asKey,
  CHAIN_SESSIONS,
  type ChainKey,
  chainId,
  nextChainKey,
  OBJECT_TYPE,
  objectName,
  type RandomSource,
  randomKey,
  type SessionKey,
  sealToRecipient,
  sessionIdOf,
  sessionKey,
} from '@keephold/crypto';
import {
  asObjectName,
  asSessionId,
  type DeviceId,
  HASH_LENGTH,
  type ObjectName,
  RecordFields,
  type SessionId,
  type VaultId,
} from '@keephold/protocol';

const CHAIN_ID_LENGTH = 12;
const MAX_CHAIN_AGE_MS = 30 * 24 * 3600 * 1000;
const MAX_MACHINE_ID = 256;
/** Of the names in a chain's record; the object follows its name. */
const OBJECT_FIELDS: readonly number[] = [6, 8];
const EARLIER_FIELD = 10;

/** What a device keeps of its chain. */
export interface ChainState {
  /** 12 bytes. */
  readonly chainId: Uint8Array;
  /** chainKey of session `next`. */
  readonly chainKey: ChainKey;
  /** The next session's number, 1 to 1,024. */
  readonly next: number;
  readonly epoch: number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Tells a cloned machine from the one the chain was made on. */
  readonly machineId: string;
  /** Of the session objects that have the chain: two, so that losing one loses nothing; one in states of before. */
  readonly objectNames: readonly ObjectName[];
  /** The sealed session objects, until a commit that names them was accepted: they cannot be made again. */
  readonly objects: readonly Uint8Array[] | undefined;
  /** Session objects of the chain before: when a single commit named them, losing that one would lose their chain. */
  readonly earlierNames: readonly ObjectName[];
}

export interface Session {
  readonly sessionId: SessionId;
  readonly sessionKey: SessionKey;
  /** Every commit of this session names them: the session objects of its chain, then those of the chain before. */
  readonly objectNames: readonly ObjectName[];
  /** To be uploaded first, when no accepted commit has named them yet; in the order of the first names. */
  readonly objects: readonly Uint8Array[] | undefined;
}

export interface StartSessionOptions {
  /** As it was persisted; undefined when there is none, or it was lost. */
  readonly chain: ChainState | undefined;
  readonly vaultId: VaultId;
  readonly deviceId: DeviceId;
  readonly epoch: number;
  /** Public half of readKey of the epoch. */
  readonly readKeyPublic: Uint8Array;
  readonly machineId: string;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
  /** Resolves when the state is durable (fsync). Not called again for this session. */
  readonly persist: (next: ChainState) => Promise<void>;
}

/** One step along the chain, a new chain where one is due. When `persist` fails, no key was given out. */
export async function startSession(options: StartSessionOptions): Promise<Session> {
  const { chain } = options;
  const current = chain !== undefined && isUsable(chain, options) ? chain : await newChain(options);
  const next: ChainState = { ...current, chainKey: nextChainKey(current.chainKey), next: current.next + 1 };
  await options.persist(next);
  const session = {
    sessionId: asSessionId(sessionIdOf(current.chainId, current.next)),
    sessionKey: sessionKey(current.chainKey),
    objectNames: [...current.objectNames, ...current.earlierNames],
    objects: current.objects,
  };
  if (current !== chain) current.chainKey.fill(0);
  return session;
}

/** The chain once a commit that names its session objects was accepted. */
export function confirmSessionObjects(chain: ChainState): ChainState {
  return { ...chain, objects: undefined };
}

function isUsable(chain: ChainState, options: StartSessionOptions): boolean {
  const age = options.now - chain.startedAt;
  return (
    chain.next < CHAIN_SESSIONS &&
    age >= 0 &&
    age < MAX_CHAIN_AGE_MS &&
    chain.epoch === options.epoch &&
    chain.machineId === options.machineId.slice(0, MAX_MACHINE_ID)
  );
}

async function newChain(options: StartSessionOptions): Promise<ChainState> {
  const { chain: last, vaultId, deviceId, epoch, now, random } = options;
  const first = randomKey('ChainKey', random);
  const id = chainId(first, { vaultId, deviceId });
  const payload = encodeCbor(
    new Map<number, CborValue>([
      [0, id],
      [1, first],
      [2, deviceId],
      [3, BigInt(Math.floor(now)) * 1_000_000n],
    ]),
  );
  const place = { type: OBJECT_TYPE.session, contextId: vaultId, epoch };
  const seal = async (): Promise<Uint8Array> =>
    await sealToRecipient({ ...place, recipient: options.readKeyPublic, payload, random });
  const objects = [await seal(), await seal()];
  payload.fill(0);
  return {
    chainId: id,
    chainKey: first,
    next: 0,
    epoch,
    startedAt: Math.floor(now),
    machineId: options.machineId.slice(0, MAX_MACHINE_ID),
    objectNames: objects.map((object) => asObjectName(objectName(object))),
    objects,
    earlierNames: last === undefined ? [] : namedOf(last),
  };
}

/** Of the newest chain that a commit has named. */
function namedOf({ objects, objectNames, earlierNames }: ChainState): readonly ObjectName[] {
  return objects === undefined ? objectNames : earlierNames;
}

/**
 * `{0:chainId, 1:chainKey_n, 2:n, 3:epoch, 4:startedAt ms, 5:machineId text, 6:name, 7:object?, 8:name?, 9:object?,
 * 10:[name]?}`
 */
export function chainStateMap(chain: ChainState): CborValue {
  const fields = new Map<number, CborValue>([
    [0, chain.chainId],
    [1, chain.chainKey],
    [2, chain.next],
    [3, chain.epoch],
    [4, chain.startedAt],
    [5, chain.machineId],
  ]);
  for (const [i, name] of chain.objectNames.entries()) fields.set(OBJECT_FIELDS[i]!, name);
  for (const [i, object] of (chain.objects ?? []).entries()) fields.set(OBJECT_FIELDS[i]! + 1, object);
  if (chain.earlierNames.length > 0) fields.set(EARLIER_FIELD, chain.earlierNames);
  return fields;
}

/** @throws MalformedRecordError */
export function readChainState(value: CborValue | undefined): ChainState {
  const fields = new RecordFields(value, 'chain state');
  const chain = {
    chainId: fields.bytes(0, CHAIN_ID_LENGTH),
    chainKey: asKey('ChainKey', fields.bytes(1, 32)),
    next: fields.uint(2, 1, CHAIN_SESSIONS),
    epoch: fields.uint(3, 0, 0xffff_ffff),
    startedAt: fields.uint(4),
    machineId: fields.text(5, MAX_MACHINE_ID),
    ...readObjects(fields),
    earlierNames: fields.has(EARLIER_FIELD) ? fields.idList(EARLIER_FIELD, HASH_LENGTH).map(asObjectName) : [],
  };
  fields.end();
  return chain;
}

function readObjects(fields: RecordFields): Pick<ChainState, 'objectNames' | 'objects'> {
  const second = fields.optionalBytes(8, HASH_LENGTH);
  const objectNames = [fields.bytes(6, HASH_LENGTH), ...(second === undefined ? [] : [second])].map(asObjectName);
  const objects = objectNames.flatMap((name, i) => {
    const object = fields.optionalBytes(OBJECT_FIELDS[i]! + 1);
    if (object !== undefined && !equalBytes(objectName(object), name))
      throw fields.fault(OBJECT_FIELDS[i]! + 1, 'session object has another name');
    return object ?? [];
  });
  if (objects.length !== 0 && objects.length !== objectNames.length)
    throw fields.fault(9, 'one of two session objects');
  return { objectNames, objects: objects.length === 0 ? undefined : objects };
}
