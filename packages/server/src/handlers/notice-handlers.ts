/** Where an owner is told of what happens, and of what; and the first of it: that a device has committed. */
import type { AccountsSurroundings } from '@keephold/accounts';
import { confirmContact, contactOf, noteCommit, setContact } from '@keephold/accounts/notices';
import { type AccountId, type CommitRequest, parseCommit } from '@keephold/protocol';
import { decodeCommitBody, type schemas } from '@keephold/protocol/http';
import { EMPTY, type Handler, json } from './handler.ts';
import { commitAnswer, vaultOf } from './vault-handlers.ts';

export type NoticeRoute = 'notices' | 'setNotices' | 'confirmNotices' | 'commit';

export function noticeHandlers(accounts: AccountsSurroundings): Readonly<Record<NoticeRoute, Handler>> {
  return {
    notices: async ({ principal }) => json(await contactOf(accounts, principal.accountId)),
    setNotices: async ({ principal, json: body }) => {
      await setContact(accounts, principal.accountId, body as schemas.NoticesBody);
      return EMPTY;
    },
    confirmNotices: async ({ principal, json: body }) => {
      await confirmContact(accounts, principal.accountId, (body as schemas.ConfirmNoticesBody).code);
      return EMPTY;
    },
    commit: async (call) => {
      const request = decodeCommitBody(call.bytes);
      const outcome = await call.custody.commit(vaultOf(call), request);
      if (outcome.kind === 'accepted') await noteAccepted(accounts, call.principal.accountId, request);
      return json(commitAnswer(outcome));
    },
  };
}

/** Whoever repeats a commit is as alive as whoever makes one; what was refused is no commit. */
async function noteAccepted(accounts: AccountsSurroundings, id: AccountId, { bytes }: CommitRequest): Promise<void> {
  const { commit } = parseCommit(bytes);
  if (commit.kind !== 'keeper-event') await noteCommit(accounts, id, commit.deviceId);
}
