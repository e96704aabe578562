/** Decompresses a gzip file to its end, checksums included (RFC 1952), and lists the tar archive that may be in it. */
import type { FileBytes } from './file-bytes.ts';
import { pieces } from './file-bytes.ts';
import { InflateBudget, inflated } from './inflate.ts';
import type { Done, OpeningLimits } from './opened.ts';
import { TarList, tarText } from './tar.ts';
import { isTarHeader, TAR_BLOCK } from './tar-header.ts';

export async function openGzip(file: FileBytes, limits: OpeningLimits): Promise<Done> {
  const budget = new InflateBudget(limits.inflated);
  let bytes = 0;
  let head = new Uint8Array(0);
  let tar: TarList | undefined;
  for await (const piece of inflated(pieces(file, 0, file.size), 'gzip', budget)) {
    bytes += piece.length;
    if (tar !== undefined) tar.push(piece);
    else if (head.length < TAR_BLOCK) {
      head = Buffer.concat([head, piece]);
      if (isTarHeader(head)) {
        tar = new TarList();
        tar.push(head);
      }
    }
  }
  if (budget.isSpent) return { did: `decompressed the first ${bytes} bytes`, toTheEnd: false };
  tar?.end();
  const listed = tar === undefined ? '' : `; ${tarText(tar)}`;
  return { did: `decompressed all ${bytes} bytes, checksum right${listed}`, toTheEnd: true };
}
