/**
 * `keephold.format`: three lines of text that say what a folder is and which version wrote it. Written last when a
 * repository is made, so a folder with it is whole.
 */
import { fromHex, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import { type AccountId, asAccountId, CustodyError } from '@keephold/protocol';

const VERSION = 1;
const PATTERN = /^keephold repository\nversion (?<version>[1-9][0-9]{0,5})\n(?<rest>[^]*)$/;
const REST = /^account (?<account>[0-9a-f]{32})\n$/;

export const README_TEXT = `This folder is a Keephold repository: encrypted backups.

Nothing in it can be read without its password or its 24 recovery words.
Do not rename, edit or delete anything here. To copy the repository, copy the
whole folder while no backup is running (ledger.sqlite may be left out: it is
rebuilt from the rest).

The layout is described in docs/format.md of Keephold, section 10.
`;

export function encodeMarker(account: AccountId): Uint8Array {
  return utf8Encode(`keephold repository\nversion ${VERSION}\naccount ${toHex(account)}\n`);
}

/** @throws CustodyError 'newer-version', or 'damaged' when it is no marker of any version. */
export function parseMarker(bytes: Uint8Array): AccountId {
  const found = PATTERN.exec(readText(bytes))?.groups;
  if (found === undefined) throw damaged();
  if (Number(found['version']) > VERSION) {
    throw new CustodyError('newer-version', `open repository: it has version ${found['version']}, known is ${VERSION}`);
  }
  const account = REST.exec(found['rest'] ?? '')?.groups?.['account'];
  if (account === undefined) throw damaged();
  return asAccountId(fromHex(account));
}

function readText(bytes: Uint8Array): string {
  try {
    return utf8Decode(bytes);
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(cause?: unknown): CustodyError {
  return new CustodyError(
    'damaged',
    'open repository: keephold.format is not what Keephold wrote; keephold repair makes it again',
    { cause },
  );
}
