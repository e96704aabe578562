/** `keephold serve`: a server in one command. */
import { join, resolve } from 'node:path';
import { systemRandom } from '@keephold/crypto';
import { FolderKeeper, KeychainAuthority, startServer } from '@keephold/server';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, text } from '../command-line/options.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { openServerFolder } from '../jobs/server-folder.ts';

const DEFAULT_LISTEN = '127.0.0.1:8420';

export const serve: Command = defineCommand({
  name: 'serve',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Runs a server that keeps backups of devices. It gets ciphertext only, and cannot open it. Everything lies in one folder; there is nothing to configure. As long as there is no account, a start prints an invitation for the first one, whose owner may invite others.',
    'It speaks HTTP without encryption: keep it on this machine, behind a proxy that does TLS. Clients refuse http to any other machine.',
    'Ctrl-C, or SIGTERM, lets running requests end.',
  ],
  options: {
    data: text({ value: 'DIR', help: 'where everything is kept (a folder among your own data)' }),
    'open-sign-up': flag({ help: 'let anybody who reaches this server make an account, without an invitation' }),
    listen: text({ value: 'HOST:PORT', help: `the address to listen on (${DEFAULT_LISTEN})` }),
  },
  examples: [{ command: 'keephold serve --data /srv/keephold', says: 'on this machine, port 8420' }],
  async run(context, { options }) {
    const { out, environment, signal } = context;
    const folder = resolve(options.data ?? join(environment.folders.data, 'server'));
    const address = readAddress(options.listen ?? DEFAULT_LISTEN);
    const now = (): number => context.now();
    const signUp = options['open-sign-up'] ? 'open' : 'by-invitation';
    const { serverId, accounts, surroundings, signer, firstInvitation } = await openServerFolder(folder, {
      signUp,
      now,
    });
    const keeper = new FolderKeeper(accounts, () => ({ signer }));
    const authority = new KeychainAuthority({ keeper, serverId, now, random: systemRandom });
    const log = { write: (line: string): void => out.error(line.trimEnd()) };
    const server = await startServer({ keeper, authority, accounts: surroundings, log }, address);
    await out.record({ type: 'serving', url: server.url, folder, invitation: firstInvitation ?? null });
    await out.result(`keeping backups in ${folder}, listening on ${server.url}`);
    if (firstInvitation !== undefined) {
      await out.result(`the invitation for the first account, good for a week: ${firstInvitation}`);
      await out.result(`  keephold init --repo ${server.url} --invitation ${firstInvitation}`);
    }
    await out.flush();
    await aborted(signal);
    await server.stop();
    await surroundings.database.close();
    return exitCodes.done;
  },
});

function readAddress(listen: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(listen) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new UsageError(`${listen} is no address to listen on`, `write HOST:PORT, for example ${DEFAULT_LISTEN}`);
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolveStop) => {
    signal.addEventListener('abort', resolveStop, { once: true });
  });
}
