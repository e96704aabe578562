/**
 * What a backup and a restore keep, row by row: how each thing is made, what becomes of it, and the foreign program that
 * looks. docs/fidelity.md is written from this table; matrix.test.ts holds it against the real command.
 */

export const fileSystems = ['ext4', 'tmpfs'] as const;
export type FileSystem = (typeof fileSystems)[number];

/** Who backs up and restores, and how: root with and without --privileged, an ordinary user. */
export const modes = ['privileged', 'root', 'user'] as const;
export type Mode = (typeof modes)[number];

/**
 * kept: the foreign program sees no difference and the command reports nothing.
 * told: it sees one, and the restore says for the item what was not restored.
 * skipped: the restore leaves the item out and says why.
 * noted: the backup already says that it cannot keep this.
 * unseen: the system hides it from this user, so nobody can tell.
 */
export type Fate =
  | { readonly fate: 'kept' | 'noted' | 'unseen' | 'skipped' }
  | { readonly fate: 'told'; readonly what: string };

export interface FidelityCase {
  readonly id: string;
  readonly what: string;
  /** Shell lines in an empty folder of its own. */
  readonly make: readonly string[];
  /** Made by root in every mode: nobody else may. `OWNER` is who backs it up. */
  readonly madeByRoot?: true;
  /** Names of `probes`: what they print must be equal on both sides. */
  readonly seenBy: readonly ProbeName[];
  readonly fates: Readonly<Record<Mode, Fate>>;
  /** Only there; the other one cannot hold it. */
  readonly only?: FileSystem;
  readonly remark?: string;
}

const SORTED = '-print0 | LC_ALL=C sort -z | xargs -0r';

/** Run in both folders; `OTHER` is the other one. Those that compare print differences and must print nothing. */
export const probes = {
  rsync: {
    told: 'rsync',
    command: 'rsync -aHAXn --checksum --delete --modify-window=-1 --itemize-changes ./ "$OTHER/"',
  },
  // GNU tar leaves with 1 for differences; sockets are none of its business.
  tar: {
    told: 'GNU tar',
    command: 'tar --xattrs --acls -cf - . 2>/dev/null | tar -C "$OTHER" --compare -f - 2>&1; true',
  },
  // The size of a folder depends on its history.
  stat: {
    told: 'stat',
    command: `find . ${SORTED} stat -c '%N %a %u %g %U %G %y %h %F %t %T'; find . ! -type d ${SORTED} stat -c '%N %s'`,
  },
  find: {
    told: 'find, sha256sum',
    command: `find . -printf '%p %y %m %U %G %T@ %l\\n' | LC_ALL=C sort; find . -type f -execdir sha256sum -z {} ';'`,
  },
  getfattr: { told: 'getfattr', command: `find . ${SORTED} getfattr -hd -m - -e hex` },
  getfacl: { told: 'getfacl', command: `find . ! -type l ${SORTED} getfacl -pn` },
  getcap: { told: 'getcap', command: 'getcap -r . | LC_ALL=C sort' },
  lsattr: { told: 'lsattr', command: `find . '(' -type f -o -type d ')' ${SORTED} lsattr -d` },
  // Reading gigabytes of holes would tell nothing more: du sees whether they are there.
  ends: {
    told: 'sha256sum of both ends',
    command: `for f in *; do stat -c '%n %s' "$f"; for end in head tail; do $end -c 20M "$f" | sha256sum; done; done`,
  },
  // Attributes of the folder that holds all others: the one that a restore to a target stands for.
  above: {
    told: 'stat, getfattr, getfacl',
    command: `stat -c '%a %u %g %y' .. && getfattr -hd -m - -e hex .. 2>/dev/null | tail -n +2 && getfacl -pn .. | tail -n +2`,
  },
  // Blocks round differently from one file to the next: by the half megabyte.
  du: { told: 'du', command: `find . -type f -printf '%p %b\\n' | awk '{ print $1, int($2 / 1024) }' | LC_ALL=C sort` },
} as const satisfies Readonly<Record<string, { readonly told: string; readonly command: string }>>;
export type ProbeName = keyof typeof probes;

const kept: Fate = { fate: 'kept' };
const skipped: Fate = { fate: 'skipped' };
const noted: Fate = { fate: 'noted' };
const unseen: Fate = { fate: 'unseen' };
const told = (what: string): Fate => ({ fate: 'told', what });
const always = { privileged: kept, root: kept, user: kept } as const;

/** A value of `bytes` bytes as getfattr and setfattr write it. */
const value = (bytes: number): string => `0x${'5a'.repeat(bytes)}`;
const CAPABILITY = '0x0100000200040000000000000000000000000000';

export const cases: readonly FidelityCase[] = [
  {
    id: 'content',
    what: 'files: empty, small, longer than a piece',
    make: [': > empty', 'printf x > one', 'head -c 6000000 /dev/urandom > long', 'head -c 3000000 /dev/zero > zeros'],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: always,
  },
  {
    id: 'sparse',
    what: 'sparse files: longer than 4 GiB, a hole at the end, nothing but a hole',
    make: [
      'truncate -s 5G big && printf start | dd of=big conv=notrunc status=none',
      'head -c 2000000 /dev/urandom | dd of=big bs=1M seek=5110 conv=notrunc status=none',
      'truncate -s 3M hole',
    ],
    seenBy: ['ends', 'du'],
    fates: always,
  },
  {
    id: 'many-holes',
    what: 'more than 1,024 holes in a file: its bytes',
    make: [`truncate -s 24M f && perl -e 'open(F, "+<", "f"); for (0..1199) { seek(F, $_ * 20000, 0); print F "x" }'`],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: always,
    remark: 'the smallest holes beyond 1,024 come back as zeros that take room',
  },
  {
    id: 'permissions',
    what: 'permission bits, sticky bit',
    make: [
      'touch a b c d && chmod 400 a && chmod 640 b && chmod 777 c && chmod 1644 d',
      'mkdir closed open sticky && touch closed/in && chmod 500 closed && chmod 777 open && chmod 1777 sticky',
    ],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: always,
  },
  {
    id: 'unreadable',
    what: 'a file and a folder without any permission',
    make: ['echo x > file && mkdir folder && touch folder/in && chmod 0 file folder'],
    seenBy: ['rsync', 'stat'],
    fates: { privileged: kept, root: kept, user: noted },
  },
  {
    id: 'set-id',
    what: 'set-user-id and set-group-id of files',
    make: ['touch u g ug && chmod 4755 u && chmod 2755 g && chmod 6711 ug'],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: { privileged: kept, root: told('set-id'), user: told('set-id') },
  },
  {
    id: 'set-group-folder',
    what: 'set-group-id of folders',
    make: ['mkdir d && chmod 2770 d && touch d/in'],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: always,
  },
  {
    id: 'owner-numbers',
    what: 'owners and groups nobody has a name for',
    make: ['touch f && mkdir d && ln -s f l && chown -h 12345:23456 f d l'],
    madeByRoot: true,
    seenBy: ['rsync', 'tar', 'stat'],
    fates: { privileged: kept, root: told('owner'), user: told('owner') },
  },
  {
    id: 'owner-names',
    what: 'owners and groups with a name',
    make: ['touch f && mkdir d && chown daemon:games f d'],
    madeByRoot: true,
    seenBy: ['rsync', 'tar', 'stat'],
    fates: { privileged: kept, root: told('owner'), user: told('owner') },
  },
  {
    id: 'mtime',
    what: 'modification times to the nanosecond, before 1970, after 2038',
    make: [
      "touch -d '2001-02-03 04:05:06.123456789' f && touch -d '1969-12-31 23:59:59.999999999 UTC' g",
      "touch -d '1903-01-01 00:00:00.000000001' h && touch -d '2261-12-31 23:59:59.987654321' i && touch -d '1970-01-01 UTC' j",
      "ln -s x l && touch -hd '1999-12-31 23:59:59.000000007' l && mkfifo p && touch -d '2033-05-18 03:33:20.5' p",
      "mkdir -p d/e && touch d/e/f && touch -d '2010-10-10 10:10:10.101010101' d/e && touch -d '1985-10-26 01:21:00.000000042' d",
    ],
    seenBy: ['rsync', 'stat'],
    fates: always,
  },
  {
    id: 'mtime-beyond',
    what: 'modification times after the year 2262',
    make: ["touch -d '2400-01-01 00:00:00' f && mkdir d && touch -d '2345-06-07 08:09:10' d"],
    seenBy: ['stat'],
    fates: { privileged: noted, root: noted, user: noted },
    remark: '64 bits of nanoseconds reach from 1677 to 2262; the nearest time is kept',
  },
  {
    id: 'links',
    what: 'symbolic links: dangling, absolute, to themselves, 4,095 bytes long, any bytes',
    make: [
      'ln -s nowhere dangling && ln -s /etc/passwd absolute && ln -s self self && mkdir d && ln -s d folder && ln -s ../.. up',
      'ln -s "$(printf %04095d 7)" long && ln -s "$(printf \'\\377\\376 \\n end\')" bytes',
    ],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: always,
  },
  {
    id: 'hard-links',
    what: 'hard links, across folders too',
    make: [
      'mkdir d e && echo one > d/a && ln d/a d/b && ln d/a e/c && touch e/empty && ln e/empty d/empty',
      'echo alone > f',
    ],
    seenBy: ['rsync', 'tar', 'stat'],
    fates: always,
  },
  {
    id: 'hard-links-special',
    what: 'hard links of symbolic links and FIFOs',
    make: ['mkdir d && ln -s x l && ln -P l d/m && mkfifo p && ln p d/q'],
    seenBy: ['rsync', 'stat'],
    fates: always,
  },
  { id: 'fifo', what: 'FIFOs', make: ['mkfifo -m 640 p'], seenBy: ['rsync', 'stat'], fates: always },
  {
    id: 'socket',
    what: 'sockets',
    make: [
      `"$NODE" -e 'require("net").createServer().listen("s", () => process.kill(process.pid, "SIGKILL"))' || test -S s`,
    ],
    seenBy: ['stat'],
    fates: { privileged: skipped, root: skipped, user: skipped },
    remark: 'the program that listens makes it anew',
  },
  {
    id: 'devices',
    what: 'character and block devices',
    make: ['mknod -m 640 c c 291 4567 && mknod -m 600 b b 7 200'],
    madeByRoot: true,
    seenBy: ['rsync', 'stat'],
    fates: { privileged: kept, root: skipped, user: skipped },
  },
  {
    id: 'user-attributes',
    what: 'user.* attributes of files and folders: empty, binary, names of any bytes, 3,000 bytes long',
    make: [
      'touch f && mkdir d && setfattr -n user.empty d && setfattr -n user.binary -v 0x00ff0a00 f',
      'setfattr -n "$(printf \'user.\\377\\012x\')" -v 1 f && setfattr -n "user.$(printf %0250d 1)" -v long d',
      `touch g && setfattr -n user.big -v ${value(3000)} g`,
      'chmod 400 f && touch -d 2020-02-02 f d',
    ],
    seenBy: ['rsync', 'tar', 'getfattr'],
    fates: always,
  },
  {
    id: 'long-attributes',
    what: 'attributes of 60,000 bytes, and 100 of them on one file',
    make: [
      `touch f g && setfattr -n user.huge -v 0s$(head -c 60000 /dev/zero | base64 -w0) f`,
      'for i in $(seq 100); do setfattr -n "user.$(printf %0100d $i)" -v $i g; done',
    ],
    only: 'tmpfs',
    seenBy: ['rsync', 'getfattr'],
    fates: always,
  },
  {
    id: 'trusted-attributes',
    what: 'trusted.* attributes, of symbolic links too',
    make: [
      'touch f && mkdir d && ln -s f l && chown -h "$OWNER" f d l && for i in f d l; do setfattr -hn trusted.x -v y $i; done',
    ],
    madeByRoot: true,
    seenBy: ['rsync', 'getfattr'],
    fates: { privileged: kept, root: told('xattr'), user: unseen },
    remark: 'the system shows them to root only',
  },
  {
    id: 'security-attributes',
    what: 'security.* attributes, of symbolic links too',
    make: [
      'touch f && mkdir d && ln -s f l && chown -h "$OWNER" f d l && for i in f d l; do setfattr -hn security.keepholdtest -v y $i; done',
    ],
    madeByRoot: true,
    seenBy: ['rsync', 'getfattr'],
    fates: { privileged: kept, root: told('xattr'), user: told('xattr') },
  },
  {
    id: 'capabilities',
    what: 'file capabilities',
    make: [`touch f && chmod 755 f && chown "$OWNER" f && setfattr -n security.capability -v ${CAPABILITY} f`],
    madeByRoot: true,
    seenBy: ['rsync', 'getfattr', 'getcap'],
    fates: { privileged: kept, root: told('xattr'), user: told('xattr') },
  },
  {
    id: 'acl',
    what: 'POSIX ACLs of files and folders, default ACLs, and none where they would be inherited',
    make: [
      'touch f && setfacl -m u:12345:rw,g:23456:r,m::rw f',
      'mkdir d && touch d/without && setfacl -m u:1:rwx d && setfacl -d -m u:12345:rwx,g::r d && mkdir d/inherits && touch d/inherits/f',
    ],
    seenBy: ['rsync', 'getfacl', 'getfattr'],
    fates: always,
  },
  {
    id: 'flags-no-dump',
    what: 'the attribute no dump (chattr +d)',
    make: ['touch f && mkdir d && chattr +d f d'],
    seenBy: ['rsync', 'lsattr'],
    fates: always,
  },
  {
    id: 'flags',
    what: 'the attributes immutable and append only (chattr +i +a)',
    make: [
      'echo x > i && echo y > a && mkdir -p d/e && touch d/f && ln i d/e/i && mkdir g && touch g/in',
      'chown -R "$OWNER" . && chattr +i i d && chattr +a a g',
    ],
    madeByRoot: true,
    seenBy: ['rsync', 'stat', 'lsattr'],
    fates: { privileged: kept, root: told('flags'), user: told('flags') },
  },
  {
    id: 'names',
    what: 'names: every byte but / and NUL, newlines, 255 bytes, not UTF-8, two normal forms, upper and lower case',
    make: [
      `for i in $(seq 1 255); do test $i = 47 || touch "$(printf "x\\\\$(printf %o $i)y")"; done`,
      'touch -- "$(printf %0255d 1)" -dash " space " "trailing." "$(printf \'a\\nb\')" "$(printf \'\\377\\376\')" ...',
      `touch "$(printf '\\303\\244')" "$(printf 'a\\314\\210')" case CASE Case CON nul.txt && mkdir "$(printf 'd\\n')"`,
    ],
    seenBy: ['rsync', 'stat'],
    fates: always,
  },
  {
    id: 'deep',
    what: 'paths longer than the system takes (PATH_MAX)',
    make: [
      'n=$(printf %0200d 0); for i in $(seq 40); do mkdir $n && cd $n; done',
      'echo deep > f && ln -s target l && chmod 640 f && touch -d "2001-02-03 04:05:06.123456789" f && ln f g && setfattr -n user.a -v b f',
    ],
    seenBy: ['find'],
    fates: always,
  },
  {
    id: 'folder',
    what: 'the folder that is restored itself: mode, attributes, ACLs, time',
    make: [
      'chmod 751 .. && setfattr -n user.folder -v x .. && setfacl -m u:12345:r,d:g:5:rx .. && touch -d "2011-11-11 11:11:11.111111111" ..',
    ],
    seenBy: ['above'],
    fates: always,
  },
];
