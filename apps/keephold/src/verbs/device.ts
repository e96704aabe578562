/** `keephold device`: the devices of an account. */
import { toHex } from '@keephold/bytes';
import { systemRandom } from '@keephold/crypto';
import {
  type ChainPin,
  type Custody,
  type DeviceRole,
  type KeychainState,
  requireKeychainPin,
  walkKeychain,
} from '@keephold/protocol';
import { recordVerifier, renameDevice, revokeDevice, type Unlocked } from '@keephold/vault';
import { DeviceStore } from '../access/device-store.ts';
import { givenPassword } from '../access/password.ts';
import { repositoryPlace } from '../access/repository-folder.ts';
import { requireOwner, unlockAccount } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { findDevice, listDevices, verifiedHead } from '../jobs/devices.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { formatClock } from '../terminal/units.ts';

export const device: Command = defineCommand({
  name: 'device',
  operands: { usage: 'list | rename DEVICE NAME | revoke DEVICE | invite | join [TICKET] | log', min: 0, max: 3 },
  description: [
    'Shows the devices that may use a repository, adds one, and takes the right away from one.',
    'list shows them with their last backup. Names are sealed like everything else: the password shows them.',
    'rename gives one another name, which needs the password. DEVICE is the name it has, or how its id begins.',
    'revoke ends what a device may do, at once, and the others go on under new keys, which they find by themselves. It needs the password. What the device knew before it keeps; what is backed up from now on it cannot read.',
    'On a server, invite and join add a device that never sees the password: invite prints a ticket, good for ten minutes and once, and waits; join takes it on the new device. Whoever carries the messages in between, the server included, cannot put another device or another account in their place. keephold login adds a device with the password instead.',
    'log shows what the server has noted: who signed in, which devices came and went, what was refused.',
  ],
  options: { trusted: flag({ help: 'with invite: let the new device list and restore without the password' }) },
  examples: [
    { command: 'keephold device list', says: 'which devices there are' },
    { command: 'keephold device invite', says: 'prints a ticket for a device that is never to see the password' },
    { command: 'keephold device join --repo https://backup.example.org', says: 'on that device; asks for the ticket' },
    {
      command: 'keephold device rename 3f9a "box in the attic"',
      says: 'shows under that name from now on, everywhere',
    },
    { command: 'keephold device revoke 3f9a', says: 'the one whose id begins so is lost or stolen' },
  ],
  async run(context, { operands, options }) {
    const [action = 'list', what, name] = operands;
    if (name !== undefined && action !== 'rename') throw cannot(operands);
    if (action === 'list' && what === undefined) await list(context);
    else if (action === 'rename' && what !== undefined && name !== undefined) await rename(context, what, name);
    else if (action === 'revoke' && what !== undefined) await revoke(context, what);
    else if (action === 'invite' && what === undefined)
      await invite(context, options.trusted ? 'trusted' : 'backup-only');
    else if (action === 'join') await join(context, what);
    else if (action === 'log' && what === undefined) await log(context);
    else throw cannot(operands);
    return exitCodes.done;
  },
});

function cannot(operands: readonly string[]): UsageError {
  return new UsageError(`device cannot "${operands.join(' ')}"`, 'keephold device --help shows what it can');
}

interface Opened extends AsyncDisposable {
  readonly custody: Custody;
  readonly keychain: KeychainState;
  readonly ownId: string | undefined;
  readonly role: DeviceRole | undefined;
  readonly headPin: ChainPin | undefined;
}

/** The keychain, held to what this device has seen of it. */
async function opened(context: Context): Promise<Opened> {
  const custody = await context.openRepository(repositoryPlace(context));
  const state = new DeviceStore(context.environment, await custody.accountId()).load();
  const keychain = walkKeychain(await custody.keychain(0), recordVerifier);
  if (state !== undefined) requireKeychainPin(keychain, state.grant.keychainPin);
  return {
    custody,
    keychain,
    ownId: state && toHex(state.deviceId),
    role: state?.role,
    headPin: state?.grant.headPin,
    [Symbol.asyncDispose]: async () => await custody[Symbol.asyncDispose](),
  };
}

async function list(context: Context): Promise<void> {
  const { out } = context;
  await using access = await opened(context);
  const { custody, keychain, ownId } = access;
  const unlocked = givenPassword(context) === undefined ? undefined : await unlockAccount(context, custody);
  const devices = await listDevices({ keychain, custody, unlocked });
  for (const { id, name, role, isRevoked, lastBackup } of devices) {
    const at = lastBackup === undefined ? null : new Date(lastBackup).toISOString();
    const fields = { id, name: name ?? null, role, revoked: isRevoked, lastBackup: at, thisDevice: id === ownId };
    await out.record({ type: 'device', ...fields });
  }
  const rows = devices.map(({ id, name, role, isRevoked, lastBackup }) => [
    id.slice(0, 8),
    name === undefined ? '?' : printable(name),
    role === 'trusted' ? 'backs up, reads' : 'backs up',
    lastBackup === undefined ? 'never' : formatClock(lastBackup),
    isRevoked ? 'revoked' : id === ownId ? 'this one' : '',
  ]);
  await out.result(formatTable({ headings: ['ID', 'Name', 'May', 'Last backup', ''], rows }).trimEnd());
  if (unlocked === undefined) out.note('names are sealed; the password (--password-file) shows them');
}

async function rename(context: Context, wanted: string, name: string): Promise<void> {
  await using access = await opened(context);
  const { custody } = access;
  const unlocked = await requireOwner(context, custody, 'renaming a device needs the password');
  const { deviceId } = await findDevice(unlocked.keychain, wanted, unlocked);
  await renameDevice(unlocked, { custody, deviceId, name: nameFrom(name), now: context.now(), random: systemRandom });
  const id = toHex(deviceId);
  const says = `${id.slice(0, 8)} is called ${printable(name.trim())} now`;
  await context.out.answer(says, { type: 'device-renamed', id, name: name.trim() });
}

/** @throws UsageError for what could not be shown or typed again */
function nameFrom(given: string): string {
  const name = given.trim();
  if (name !== '' && name.length <= 255 && name.isWellFormed() && !/\p{Cc}/u.test(name)) return name;
  throw new UsageError('a name of a device has 1 to 255 characters, all on one line', 'give it another name');
}

async function revoke(context: Context, id: string): Promise<void> {
  await using access = await opened(context);
  const { custody, ownId } = access;
  const unlocked = await requireOwner(context, custody, 'revoking a device needs the password');
  const found = await findDevice(unlocked.keychain, id, unlocked);
  if (toHex(found.deviceId) === ownId) {
    throw new UsageError('that is the device you are at', 'revoke it from another one; keephold login adds one');
  }
  const heads = await headsOf(access, unlocked);
  await revokeDevice(unlocked, {
    ...{ custody, deviceId: found.deviceId, heads, now: context.now(), random: systemRandom },
  });
  const revoked = toHex(found.deviceId);
  const says = `revoked ${revoked.slice(0, 8)}; the other devices go on under new keys`;
  await context.out.answer(says, { type: 'device-revoked', id: revoked });
}

async function invite(context: Context, role: DeviceRole): Promise<void> {
  const { addDevice } = await import('../jobs/pair/add-device.ts');
  await using access = await opened(context);
  const { custody, headPin } = access;
  await addDevice(context, { custody, headPin, role });
}

async function log(context: Context): Promise<void> {
  const { tellAccountLog } = await import('../jobs/tell-account-log.ts');
  await using access = await opened(context);
  await tellAccountLog(context, access);
}

async function join(context: Context, ticket: string | undefined): Promise<void> {
  const { joinHere } = await import('../jobs/pair/join-here.ts');
  await joinHere(context, ticket);
}

async function headsOf(
  { custody, headPin: pin }: Opened,
  { keychain }: Unlocked,
): Promise<ReadonlyMap<string, ChainPin>> {
  const heads = new Map<string, ChainPin>();
  for (const [id, { vaultId }] of keychain.vaults) {
    const head = await verifiedHead({ custody, keychain, vaultId, pin });
    if (head !== undefined) heads.set(id, head);
  }
  return heads;
}
