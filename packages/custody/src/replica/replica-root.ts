/** A second site as a whole: the repository of each account, and a list of them that can be read without reading all. */
import type { Backend } from '@keephold/backend';
import { withinPrefix } from '@keephold/backend';
import { fromHex, toHex, utf8Encode } from '@keephold/bytes';
import { type AccountId, asAccountId } from '@keephold/protocol';
import { README } from '../layout.ts';

const ACCOUNTS = 'accounts';
const LIST = 'account-list';

const README_TEXT = `This is the second site of a Keephold server: encrypted backups, a repository for
each account below ${ACCOUNTS}/.

Nothing in it can be read without the 24 recovery words of an account. No server
and no database is needed to restore from it:

  keephold restore --repo THIS-PLACE latest --target FOLDER

asks for the words and finds the account. Do not rename, edit or delete anything.
`;

/** Says what the place is. */
export async function markReplica(root: Backend): Promise<void> {
  await root.putNew(README, utf8Encode(README_TEXT));
}

/** The place of an account, which is in the list from now on. */
export async function replicaOf(root: Backend, accountId: AccountId): Promise<Backend> {
  const hex = toHex(accountId);
  await root.putNew(`${LIST}/${hex}`, utf8Encode(`${hex}\n`));
  return withinPrefix(root, `${ACCOUNTS}/${hex}`);
}

export interface ReplicaAccount {
  readonly accountId: AccountId;
  /** Below the root. */
  readonly path: string;
}

/** None where the place is no second site. */
export async function* replicaAccounts(root: Pick<Backend, 'list'>): AsyncGenerator<ReplicaAccount> {
  for await (const { name } of root.list(LIST)) {
    const hex = name.slice(LIST.length + 1);
    if (/^[0-9a-f]{32}$/.test(hex)) yield { accountId: asAccountId(fromHex(hex)), path: `${ACCOUNTS}/${hex}` };
  }
}
