/** The data folder of a server: its id, the accounts, and the invitation of the first start. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, fromHex, toBase64Url, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import { sha256, systemRandom } from '@keephold/crypto';
import { type Invitations, ServerError } from '@keephold/server';
import { createPrivateFile, makePrivateFolder, readPrivateFile, writePrivateFile } from '../access/private-file.ts';

export interface ServerFolder {
  readonly serverId: Uint8Array;
  readonly accounts: string;
  readonly invitations: Invitations;
  /** Made at the first start, good for one account; undefined later: only its hash is kept. */
  readonly newInvitation: string | undefined;
}

export function openServerFolder(folder: string): ServerFolder {
  makePrivateFolder(folder);
  const path = join(folder, 'server-id');
  const known = readPrivateFile(path);
  const accounts = join(folder, 'accounts');
  makePrivateFolder(accounts);
  const invitations = new FileInvitation(join(folder, 'invitation'));
  if (known !== undefined) {
    return { serverId: fromHex(utf8Decode(known)), accounts, invitations, newInvitation: undefined };
  }
  // The id is written last: a start that was cut short makes another invitation.
  const newInvitation = invitations.make();
  const serverId = systemRandom(16);
  createPrivateFile(path, utf8Encode(toHex(serverId)));
  return { serverId, accounts, invitations, newInvitation };
}

/** One invitation, as its hash in a file that goes when it is used. */
class FileInvitation implements Invitations {
  readonly #path: string;
  #turn: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  make(): string {
    const code = toBase64Url(systemRandom(18));
    writePrivateFile(this.#path, sha256(utf8Encode(code)));
    return code;
  }

  /** One after the other: a code that two send at once is good for one of them. */
  async redeem(code: string, create: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(async () => await this.#redeem(code, create));
    this.#turn = mine.catch(() => {});
    await mine;
  }

  async #redeem(code: string, create: () => Promise<void>): Promise<void> {
    const hash = readPrivateFile(this.#path);
    if (hash === undefined || !equalBytes(hash, sha256(utf8Encode(code)))) {
      throw new ServerError('unauthenticated', 'this invitation is not good');
    }
    await create();
    rmSync(this.#path, { force: true });
  }
}
