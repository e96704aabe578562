/**
 * `keephold.format`: lines of text that say what a folder is, which version wrote it, and how much parity packs get. Written last when a
 * repository is made, so a folder with it is whole.
 */
import { fromHex, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import { type AccountId, asAccountId, CustodyError } from '@keephold/protocol';

const VERSION = 1;
const PATTERN = /^keephold repository\nversion (?<version>[1-9][0-9]{0,5})\n(?<rest>[^]*)$/;
const REST = /^account (?<account>[0-9a-f]{32})\n(parity (?<parity>[1-9][0-9]?|100)\n)?$/;

export interface Marker {
  readonly account: AccountId;
  /** Parity blocks that packs get for 100 data blocks; undefined: the repository keeps no parity. */
  readonly parity: number | undefined;
}

/** Everything that it says stands elsewhere too. */
export const MARKER_HINT = 'keephold repair makes keephold.format again from the rest; nothing is lost with it';

export const README_TEXT = `This folder is a Keephold repository: encrypted backups.

Nothing in it can be read without its password or its 24 recovery words.
Do not rename, edit or delete anything here. To copy the repository, copy the
whole folder while no backup is running (ledger.sqlite may be left out: it is
rebuilt from the rest).

The layout is described in docs/format.md of Keephold, section 10.
`;

export function encodeMarker({ account, parity }: Marker): Uint8Array {
  const lines = ['keephold repository', `version ${VERSION}`, `account ${toHex(account)}`];
  if (parity !== undefined) lines.push(`parity ${parity}`);
  return utf8Encode(`${lines.join('\n')}\n`);
}

/** @throws CustodyError 'newer-version', or 'damaged' when it is no marker of any version. */
export function parseMarker(bytes: Uint8Array): Marker {
  const found = PATTERN.exec(readText(bytes))?.groups;
  if (found === undefined) throw damaged();
  if (Number(found['version']) > VERSION) {
    throw new CustodyError('newer-version', `open repository: it has version ${found['version']}, known is ${VERSION}`);
  }
  const rest = REST.exec(found['rest'] ?? '')?.groups;
  if (rest?.['account'] === undefined) throw damaged();
  const parity = rest['parity'] === undefined ? undefined : Number(rest['parity']);
  return { account: asAccountId(fromHex(rest['account'])), parity };
}

function readText(bytes: Uint8Array): string {
  try {
    return utf8Decode(bytes);
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(cause?: unknown): CustodyError {
  return new CustodyError('damaged', 'open repository: keephold.format is not what Keephold wrote', {
    cause,
    hint: MARKER_HINT,
  });
}
