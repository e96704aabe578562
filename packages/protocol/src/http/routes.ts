/**
 * Every route, as data: the server registers handlers by these names, the client builds its requests from them, the
 * OpenAPI document is written from them, and the table of who may do what speaks of their actions (security.md §3.3).
 */
import { administering, beingTold, changingWaysIn, joining, pairing, signingIn } from './account-routes.ts';
import { LARGEST_COMMIT_BODY, LARGEST_OBJECT, LARGEST_PACK, LARGEST_RECORD } from './limits.ts';
import { BYTES, EMPTY, FRAMES, json, jsonBody, named, type Route, record } from './route.ts';
import * as schema from './schemas.ts';

const open = {
  health: {
    method: 'GET',
    path: '/health',
    action: undefined,
    summary: 'Whether the server takes requests, and whether its database answers.',
    answer: json(schema.HealthAnswer),
  },
  challenge: {
    method: 'POST',
    path: '/v1/sessions/challenge',
    action: undefined,
    summary: 'A nonce to sign, good for two minutes and once, and the id of this server.',
    answer: json(schema.ChallengeAnswer),
  },
  openDeviceSession: {
    method: 'POST',
    path: '/v1/sessions',
    action: undefined,
    summary: 'A token for 15 minutes, bound to the key of the device that signed the nonce.',
    body: jsonBody(schema.SessionBody),
    answer: json(schema.SessionAnswer),
  },
} as const satisfies Record<string, Route>;

const account = {
  account: {
    method: 'GET',
    path: '/v1/account',
    action: 'read-keychain',
    summary: 'The account of the session.',
    answer: json(schema.AccountAnswer),
  },
  accountUsage: {
    method: 'GET',
    path: '/v1/account/usage',
    action: 'read-keychain',
    summary: 'How much the account has stored, and how much it may.',
    answer: json(schema.AccountUsageAnswer),
  },
  keychain: {
    method: 'GET',
    path: '/v1/account/keychain',
    action: 'read-keychain',
    summary: 'Keychain entries from a seq on, in order.',
    query: schema.FromQuery,
    answer: FRAMES,
  },
  appendKeychain: {
    method: 'POST',
    path: '/v1/account/keychain',
    action: 'append-keychain',
    summary: 'Appends an entry that the identity key signed.',
    body: record(),
    answer: json(schema.Appended),
  },
  slots: {
    method: 'GET',
    path: '/v1/account/slots',
    action: 'read-ways-in',
    summary: 'Slot records.',
    answer: FRAMES,
  },
  putSlot: {
    method: 'PUT',
    path: '/v1/account/slots/:slot',
    action: 'change-ways-in',
    summary: 'Stores a slot record.',
    params: schema.SlotPath,
    body: record(),
    answer: EMPTY,
  },
  removeSlot: {
    method: 'DELETE',
    path: '/v1/account/slots/:slot',
    action: 'change-ways-in',
    summary: 'Removes a slot record.',
    params: schema.SlotPath,
    answer: EMPTY,
  },
  keyring: {
    method: 'GET',
    path: '/v1/account/keyring',
    action: 'read-ways-in',
    summary: 'The sealed account keyring of the highest generation.',
    answer: BYTES,
  },
  putKeyring: {
    method: 'PUT',
    path: '/v1/account/keyring',
    action: 'change-ways-in',
    summary: 'Stores a sealed account keyring.',
    body: record(),
    answer: EMPTY,
  },
  grant: {
    method: 'GET',
    path: '/v1/account/grants/:grant',
    action: 'read-keychain',
    summary: 'A sealed grant; only its device can open it.',
    params: schema.GrantPath,
    answer: BYTES,
  },
  putGrant: {
    method: 'PUT',
    path: '/v1/account/grants/:grant',
    action: 'change-ways-in',
    summary: 'Stores a sealed grant.',
    params: schema.GrantPath,
    body: named(LARGEST_RECORD),
    answer: EMPTY,
  },
} as const satisfies Record<string, Route>;

const writing = {
  head: {
    method: 'GET',
    path: '/v1/vaults/:vault/head',
    action: 'read-own-vault',
    summary: 'The last commit of the vault.',
    params: schema.VaultPath,
    answer: json(schema.HeadAnswer),
  },
  openSession: {
    method: 'POST',
    path: '/v1/vaults/:vault/session',
    action: 'write',
    summary: 'Starts or renews the lease on packs without a commit.',
    params: schema.VaultPath,
    answer: EMPTY,
  },
  putPack: {
    method: 'PUT',
    path: '/v1/vaults/:vault/packs/:pack',
    action: 'write',
    summary: 'Stores a pack; its SHA-256 must be its name. A pack is at most 16 MiB: what was cut off is sent again.',
    params: schema.PackPath,
    body: named(LARGEST_PACK),
    answer: EMPTY,
  },
  putObject: {
    method: 'PUT',
    path: '/v1/vaults/:vault/objects/:object',
    action: 'write',
    summary: 'Stores a sealed object; its SHA-256 must be its name.',
    params: schema.ObjectPath,
    body: named(LARGEST_OBJECT),
    answer: EMPTY,
  },
  commit: {
    method: 'POST',
    path: '/v1/vaults/:vault/commits',
    action: 'write',
    summary:
      'Appends a signed commit: frames commit ‖ packs added, then parent seq u64 ‖ added ‖ removed of its refset.',
    params: schema.VaultPath,
    body: { kind: 'bytes', limit: LARGEST_COMMIT_BODY, boundBy: 'digest' },
    answer: json(schema.CommitAnswer),
  },
  referablePacks: {
    method: 'GET',
    path: '/v1/vaults/:vault/packs',
    action: 'read-own-vault',
    summary: 'Ids of all packs that a commit may refer to, 32 bytes each, sorted.',
    params: schema.VaultPath,
    answer: BYTES,
  },
} as const satisfies Record<string, Route>;

const reading = {
  commits: {
    method: 'GET',
    path: '/v1/vaults/:vault/commits',
    action: 'read-own-vault',
    summary: 'Commits after a seq, in order: frames seq u64 ‖ commit.',
    params: schema.VaultPath,
    query: schema.SinceQuery,
    answer: FRAMES,
  },
  snapshots: {
    method: 'GET',
    path: '/v1/vaults/:vault/snapshots',
    action: 'read-own-vault',
    summary: 'What is known of snapshots without a key.',
    params: schema.VaultPath,
    answer: json(schema.SnapshotsAnswer),
  },
  refset: {
    method: 'GET',
    path: '/v1/vaults/:vault/refsets/:seq',
    action: 'read-own-vault',
    summary: 'Packs of the refset of a commit, 32 bytes each, sorted.',
    params: schema.RefsetPath,
    answer: BYTES,
  },
  getObjects: {
    method: 'POST',
    path: '/v1/vaults/:vault/objects/read',
    action: 'read-own-vault',
    summary: 'Reads up to 256 objects: names of 32 bytes each in, frames in their order out.',
    params: schema.VaultPath,
    body: { kind: 'bytes', limit: 32 * 256, boundBy: 'digest' },
    answer: FRAMES,
  },
  getPack: {
    method: 'GET',
    path: '/v1/vaults/:vault/packs/:pack',
    action: 'read-own-vault',
    summary: 'A pack, or some of its sealed pages.',
    params: schema.PackPath,
    query: schema.PagesQuery,
    answer: BYTES,
  },
} as const satisfies Record<string, Route>;

const keeping = {
  trash: {
    method: 'POST',
    path: '/v1/vaults/:vault/trash',
    action: 'delete',
    stepUp: true,
    summary: 'Moves snapshots to the trash.',
    params: schema.VaultPath,
    body: jsonBody(schema.SeqsBody),
    answer: json(schema.TrashAnswer),
  },
  untrash: {
    method: 'POST',
    path: '/v1/vaults/:vault/untrash',
    action: 'cancel-delete',
    summary: 'Takes snapshots out of the trash.',
    params: schema.VaultPath,
    body: jsonBody(schema.SeqsBody),
    answer: EMPTY,
  },
  collect: {
    method: 'POST',
    path: '/v1/vaults/:vault/collect',
    action: 'delete',
    summary: 'Expires, condemns and purges what is due.',
    params: schema.VaultPath,
    body: jsonBody(schema.CollectBody),
    answer: json(schema.PurgeAnswer),
  },
  usage: {
    method: 'GET',
    path: '/v1/vaults/:vault/usage',
    action: 'read-own-vault',
    summary: 'How much is stored.',
    params: schema.VaultPath,
    answer: json(schema.UsageAnswer),
  },
  audit: {
    method: 'POST',
    path: '/v1/vaults/:vault/audit',
    action: 'read-own-vault',
    summary: 'Looks at every small record.',
    params: schema.VaultPath,
    answer: json(schema.AuditAnswer),
  },
  reportDamage: {
    method: 'POST',
    path: '/v1/vaults/:vault/damage',
    action: 'write',
    summary: 'Packs that could not be read; answers those that the server finds lost.',
    params: schema.VaultPath,
    body: record(),
    answer: BYTES,
  },
  lostPacks: {
    method: 'GET',
    path: '/v1/vaults/:vault/lost-packs',
    action: 'read-own-vault',
    summary: 'Packs that kept snapshots need and that are lost.',
    params: schema.VaultPath,
    answer: BYTES,
  },
} as const satisfies Record<string, Route>;

export const routes = {
  ...open,
  ...signingIn,
  ...joining,
  ...account,
  ...changingWaysIn,
  ...beingTold,
  ...pairing,
  ...writing,
  ...reading,
  ...keeping,
  ...administering,
};
export type RouteName = keyof typeof routes;
