/** `keephold login`: brings the account on a server to this computer, with the password or the 24 words alone. */
import { toHex } from '@keephold/bytes';
import { accountNameOn, HttpCustody } from '@keephold/client';
import { serverOrigin } from '@keephold/client/address';
import { systemRandom } from '@keephold/crypto';
import type { DeviceRole } from '@keephold/protocol';
import { enrolDevice, type Unlocked } from '@keephold/vault';
import { DeviceStore } from '../access/device-store.ts';
import { requireNotSignedIn } from '../access/not-signed-in.ts';
import { requireVault } from '../access/open-device.ts';
import { existingPassword } from '../access/password.ts';
import { askForCode } from '../access/second-factor.ts';
import { type ServerLogin, signIn, transportTo, unlockBy } from '../access/server-custody.ts';
import { ServerFile } from '../access/server-file.ts';
import { looksLikeWords } from '../access/words-text.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, text } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { offerPlan } from '../jobs/suggest-plan.ts';
import { tellQuota } from '../jobs/tell-quota.ts';

export const login: Command = defineCommand({
  name: 'login',
  operands: { usage: 'URL', min: 1, max: 1 },
  description: [
    'Signs this computer in to an account on a server. The password is enough, or the 24 words; nothing that was here before is needed. Afterwards everything works with --repo URL, restoring included.',
    'This computer may then read without the password. With --backup-only it adds to the history and asks for the password when it is to read.',
    'Where the account has a second factor, a code of the authenticator app is asked for too, or taken from --code. The 24 words need none.',
    'A computer that was revoked, or that lost its files, signs in again the same way.',
  ],
  options: {
    account: text({
      value: 'NAME',
      help: 'what you sign in with (your name on this computer); not needed with the words',
    }),
    'backup-only': flag({ help: 'let this computer back up, and read only with the password' }),
  },
  examples: [
    { command: 'keephold login https://backup.example.org --account ann', says: 'asks for the password or the words' },
    {
      command: 'keephold restore --repo https://backup.example.org latest --target ~/restored',
      says: 'what to do then',
    },
  ],
  async run(context, { operands, options }) {
    const { out } = context;
    const origin = serverOrigin(operands[0] ?? '');
    await requireNotSignedIn(context, origin);
    const secret = await existingPassword(context, 'password (or the 24 words): ');
    const name = options.account ?? context.environment.userName ?? '';
    if (name === '' && !looksLikeWords(secret)) {
      throw new UsageError('the name of the account is needed', 'use --account NAME');
    }
    const signedIn = await signIn(origin, { name, secret, askCode: askForCode(context) });
    const role: DeviceRole = options['backup-only'] ? 'backup-only' : 'trusted';
    const { unlocked, deviceId, readKeyPlace } = await enrolHere(context, { origin, signedIn, secret, role });
    const { accountId } = unlocked;
    const record = { type: 'login', server: origin, accountId: toHex(accountId), deviceId, role, readKeyPlace };
    await out.record(record);
    await out.result(`signed in at ${origin}`);
    if (readKeyPlace === null) await out.result('this computer backs up only; reading asks for the password');
    else await out.result(`this computer may read; its read key lies in ${readKeyPlace}`);
    out.note(`\nnext: keephold snapshots --repo ${origin}`);
    await offerPlan({ ...context, globals: { ...context.globals, repo: origin } });
    return exitCodes.done;
  },
});

interface Enrolment {
  readonly origin: string;
  readonly signedIn: ServerLogin;
  readonly secret: string;
  readonly role: DeviceRole;
}

interface Enrolled {
  readonly unlocked: Unlocked;
  readonly deviceId: string;
  readonly readKeyPlace: string | null;
}

async function enrolHere(context: Context, { origin, signedIn, secret, role }: Enrolment): Promise<Enrolled> {
  const { environment } = context;
  const transport = transportTo(origin, signedIn);
  transport.unlock(signedIn.session);
  await using custody = new HttpCustody(transport);
  const account = await unlockBy(custody, signedIn, secret);
  const store = new DeviceStore(environment, account.accountId);
  const { state, unlocked } = await enrolDevice(account, {
    custody,
    vaultId: requireVault(account.keychain),
    role,
    name: environment.hostname,
    now: context.now(),
    random: systemRandom,
  });
  const keystore = await store.create(state);
  await store.keychain.save(unlocked.keychain, custody);
  const { accountId } = account;
  new ServerFile(environment, origin).save({
    accountId,
    serverId: signedIn.serverId,
    name: await accountNameOn(transport),
  });
  await tellQuota(context.out, custody);
  const readKeyPlace = role === 'trusted' ? (keystore ?? store.folder) : null;
  return { unlocked, deviceId: toHex(state.deviceId), readKeyPlace };
}
