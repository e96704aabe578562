/** How precious a file is, by its name: what people would miss most, and cannot make again. */

const DOCUMENTS =
  'pdf doc docx odt rtf tex pages xls xlsx ods numbers csv ppt pptx odp key epub eml mbox msg md txt vcf ics gpg asc pem';
const PHOTOS = 'jpg jpeg heic heif avif png webp tif tiff dng cr2 cr3 nef arw raf orf rw2 psd xcf svg';
const DATABASES = 'sqlite sqlite3 db db3 kdbx kdb mdb accdb gnucash qif ledger realm sql';
const RECORDINGS = 'mp4 mov m4v avi mkv mts 3gp mp3 m4a wav flac opus aac';
const ARCHIVES = 'zip tar gz tgz bz2 xz zst 7z rar iso img vmdk vdi qcow2 vhdx';

type Kind = 'document' | 'photo' | 'database' | 'recording' | 'archive' | 'other';

const weights: Readonly<Record<Kind, number>> = {
  database: 10,
  document: 8,
  photo: 8,
  recording: 4,
  archive: 3,
  other: 1,
};

const kinds: ReadonlyMap<string, Kind> = new Map(
  (
    [
      ['document', DOCUMENTS],
      ['photo', PHOTOS],
      ['database', DATABASES],
      ['recording', RECORDINGS],
      ['archive', ARCHIVES],
    ] as const
  ).flatMap(([kind, extensions]) => extensions.split(' ').map((extension) => [extension, kind] as const)),
);

const LONGEST = Math.max(...[...kinds.keys()].map((extension) => extension.length));
const DOT = 0x2e;

/** From 1 to 10. `path`: raw bytes; the name is what follows its last dot. */
export function preciousness(path: Uint8Array): number {
  return weights[kindOf(path)];
}

/** Whether it may be a database whose journal or log stands beside it. */
export function isDatabaseName(path: Uint8Array): boolean {
  return kindOf(path) === 'database';
}

function kindOf(path: Uint8Array): Kind {
  const dot = path.lastIndexOf(DOT);
  const length = path.length - dot - 1;
  if (dot < 0 || length > LONGEST) return 'other';
  return kinds.get(String.fromCharCode(...path.subarray(dot + 1)).toLowerCase()) ?? 'other';
}
