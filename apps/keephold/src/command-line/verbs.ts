/** The verbs. Each one is loaded only when it is called, so that a short command starts fast. */
import type { Command } from './command.ts';

export interface Verb {
  readonly summary: string;
  load(): Promise<Command>;
}

export const verbs: Readonly<Record<string, Verb>> = {
  start: {
    summary: 'back up a folder, restore it elsewhere, compare the two: the whole thing in one command',
    load: async () => (await import('../verbs/start.ts')).start,
  },
  init: {
    summary: 'create a repository',
    load: async () => (await import('../verbs/init.ts')).init,
  },
  login: {
    summary: 'sign this computer in to an account on a server',
    load: async () => (await import('../verbs/login.ts')).login,
  },
  backup: {
    summary: 'back up files and folders',
    load: async () => (await import('../verbs/backup.ts')).backup,
  },
  plan: {
    summary: 'name what to back up and where to',
    load: async () => (await import('../verbs/plan.ts')).plan,
  },
  agent: {
    summary: 'back plans up by itself, and pause that',
    load: async () => (await import('../verbs/agent.ts')).agent,
  },
  status: {
    summary: 'say of every plan when it was backed up, when it will be, and why not',
    load: async () => (await import('../verbs/status.ts')).status,
  },
  snapshots: {
    summary: 'list snapshots',
    load: async () => (await import('../verbs/snapshots.ts')).snapshots,
  },
  ls: {
    summary: 'list what a snapshot contains',
    load: async () => (await import('../verbs/ls.ts')).ls,
  },
  find: {
    summary: 'find names in all snapshots',
    load: async () => (await import('../verbs/find.ts')).find,
  },
  diff: {
    summary: 'show what differs between two snapshots',
    load: async () => (await import('../verbs/diff.ts')).diff,
  },
  cat: {
    summary: 'write a file of a snapshot to standard output',
    load: async () => (await import('../verbs/cat.ts')).cat,
  },
  restore: {
    summary: 'bring files back',
    load: async () => (await import('../verbs/restore.ts')).restore,
  },
  check: {
    summary: 'check that everything is there and intact',
    load: async () => (await import('../verbs/check.ts')).check,
  },
  drill: {
    summary: 'restore a sample, compare it, open it: prove that it comes back',
    load: async () => (await import('../verbs/drill.ts')).drill,
  },
  heal: {
    summary: 'mend damage from another copy, and from files that are still here',
    load: async () => (await import('../verbs/heal.ts')).heal,
  },
  repair: {
    summary: 'make the ledger again from packs and objects',
    load: async () => (await import('../verbs/repair.ts')).repair,
  },
  forget: {
    summary: 'mark snapshots that are no longer needed',
    load: async () => (await import('../verbs/forget.ts')).forget,
  },
  gc: {
    summary: 'reclaim the space of what was forgotten',
    load: async () => (await import('../verbs/gc.ts')).gc,
  },
  hold: {
    summary: 'stop deletion, or let it go on',
    load: async () => (await import('../verbs/hold.ts')).hold,
  },
  stats: {
    summary: 'show sizes, and what is unique to each snapshot',
    load: async () => (await import('../verbs/stats.ts')).stats,
  },
  serve: {
    summary: 'run a server that keeps backups of other devices',
    load: async () => (await import('../verbs/serve.ts')).serve,
  },
  device: {
    summary: 'show the devices, add one by ticket, revoke one',
    load: async () => (await import('../verbs/device.ts')).device,
  },
  account: {
    summary: 'see who is signed in to an account on a server; a second factor beside the password',
    load: async () => (await import('../verbs/account.ts')).account,
  },
  notify: {
    summary: 'have a server tell you by mail',
    load: async () => (await import('../verbs/notify.ts')).notify,
  },
  admin: {
    summary: 'invite people to a server, and see who uses how much',
    load: async () => (await import('../verbs/admin.ts')).admin,
  },
  keys: {
    summary: 'change the password, prove the recovery words, add or remove a way in',
    load: async () => (await import('../verbs/keys.ts')).keys,
  },
};
