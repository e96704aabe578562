/** What a message says. Plain text, the same by every channel; times in UTC, for nobody knows where a reader is. */
import type { Message, Notice } from '@keephold/accounts/notices';

export interface NoticeText {
  /** Letters that every mail system and every head of a request takes; no name of anybody is in it. */
  readonly subject: string;
  readonly body: string;
  /** Whether somebody should do something. */
  readonly isUrgent: boolean;
}

type Said = Omit<NoticeText, 'body'> & { readonly lines: readonly string[] };

const ACCESS = {
  password: 'The password of the account was changed.',
  words: 'Somebody signed in with the 24 words of the account.',
  'way-in': 'A way into the account was added.',
  codes: 'Other recovery codes of the second factor were made; the ones before are worth nothing.',
  policy: 'What is kept for how long was changed.',
  revoked: 'A device was revoked.',
} as const;
const LIST = 'keephold device list shows its name, keephold device revoke takes its rights away.';
const WHY = 'You get this because your Keephold account names this address; keephold notify changes that.';

export function textOf({ notice, account }: Pick<Message, 'notice' | 'account'>): NoticeText {
  const { subject, isUrgent, lines } = saidOf(notice);
  const end = notice.kind === 'confirm' || notice.kind === 'address-changed' ? [] : ['', WHY];
  return { subject, isUrgent, body: `${[`Account ${account}:`, '', ...lines, ...end].join('\n')}\n` };
}

/** One line of it, for channels that show no more. */
export function shortTextOf({ notice, account }: Pick<Message, 'notice' | 'account'>): string {
  return `${account}: ${saidOf(notice).lines[0] ?? ''}`;
}

function saidOf(notice: Notice): Said {
  switch (notice.kind) {
    case 'quiet':
      return said('a device has gone quiet', 'urgent', [
        `The device whose id begins with ${notice.device} has not backed up since ${day(notice.lastCommit)}.`,
        'Is it switched on and online, and does its backup run? keephold backup on it says what is wrong.',
        LIST,
      ]);
    case 'back':
      return said('a device is back', 'calm', [
        `The device whose id begins with ${notice.device} backs up again, for the first time since ${day(notice.lastCommit)}.`,
      ]);
    case 'device':
      return said('a new device', 'urgent', [
        `A device whose id begins with ${notice.device} was added to the account.`,
        `If you did not do that, somebody has your password: change it (keephold keys), and revoke the device. ${LIST}`,
      ]);
    case 'access':
      return said('a change of who has access', 'urgent', [
        ACCESS[notice.what],
        'If you did not do that, somebody has your password or your words: change the password (keephold keys).',
      ]);
    case 'deletion':
      return said('a deletion was requested', 'urgent', [
        `The deletion of ${counted(notice.snapshots, 'snapshot')} was requested. Nothing goes before the delay of the vault is over.`,
        'If you did not do that, keephold forget --undo on any of your devices takes it back; then change your password.',
      ]);
    case 'hold':
      return said('deletion was stopped', 'urgent', [
        notice.device === undefined
          ? 'Somebody who is signed in has stopped deletion.'
          : `The device whose id begins with ${notice.device} has stopped deletion.`,
        'That is for when something may be destroying files. Backups go on, and nothing of earlier backups is deleted.',
        'keephold diff shows what changed. If all is well, keephold hold release lets deletion go on, with the password. If not, restore from before, and revoke the device if it is not yours.',
      ]);
    case 'quota':
      return quotaSaid(notice);
    case 'damage':
      return damageSaid(notice);
    case 'digest':
      return digestSaid(notice);
    case 'test':
      return said('a test', 'calm', ['An admin of this server asked for this message. All is well.']);
    case 'suspended':
      return said('your account is suspended', 'urgent', [
        'An admin of the server has suspended the account: its backups store nothing new.',
        'What is stored stays, and can be read and restored. Ask whoever runs the server why, and when it ends.',
      ]);
    case 'resumed':
      return said('your account goes on', 'calm', ['The account is no longer suspended: its backups go on.']);
    case 'confirm':
      return said('confirm your address', 'calm', [
        'Somebody, you most likely, wants to be told at this address. If it was you:',
        `keephold notify confirm ${notice.code}`,
        'The code is good for a day. If it was not you, do nothing: nothing more will come.',
      ]);
    case 'address-changed':
      return said('you are no longer told here', 'urgent', [
        'Another address, or none, is told from now on what happens to this account.',
        'If you did not do that, somebody has your password: change it (keephold keys).',
      ]);
  }
}

function said(subject: string, urgency: 'urgent' | 'calm', lines: readonly string[]): Said {
  return { subject: `Keephold: ${subject}`, isUrgent: urgency === 'urgent', lines };
}

function quotaSaid({ level, stored, limit }: Extract<Notice, { readonly kind: 'quota' }>): Said {
  const use = `${gigabytes(stored)} of ${gigabytes(limit)} are stored.`;
  return level === 'near'
    ? said('nearly full', 'calm', [use, 'Beyond the limit backups go on for the days of grace of your plan only.'])
    : said('over the limit', 'urgent', [
        use,
        'Backups go on for the days of grace of your plan, up to a quarter more, then nothing new is taken. Nothing is deleted for that.',
        'keephold forget and gc make room; whoever runs the server may give you a larger plan.',
      ]);
}

function damageSaid({ damaged, repaired }: Extract<Notice, { readonly kind: 'damage' }>): Said {
  const mended = repaired === 0 ? [] : [`${counted(repaired, 'file')} came back whole from the second site.`];
  if (damaged === 0) return said('damage was repaired', 'calm', mended);
  return said('damage was found', 'urgent', [
    `${counted(damaged, 'file')} of the repository ${damaged === 1 ? 'is' : 'are'} damaged or missing at the server.`,
    ...mended,
    'The next backup of each device stores again what it still has; keephold check says what is lacking then.',
  ]);
}

function digestSaid({ devices, snapshots, bytes }: Extract<Notice, { readonly kind: 'digest' }>): Said {
  return said('your week', 'calm', [
    `${counted(snapshots, 'snapshot')}, ${gigabytes(bytes)} stored.`,
    ...devices.map(({ device, lastCommit }) => `device ${device}: backed up last on ${day(lastCommit)}`),
  ]);
}

function day(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
