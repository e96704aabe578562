/** The header of a PNG and the passes its rows come in. */
import { BrokenFileError } from '../errors.ts';

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  readonly interlaced: boolean;
  readonly needsPalette: boolean;
}

/** Samples a pixel and allowed bits a sample, by colour type. */
const COLOURS = new Map<number, { readonly samples: number; readonly depths: readonly number[] }>([
  [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { samples: 3, depths: [8, 16] }],
  [3, { samples: 1, depths: [1, 2, 4, 8] }],
  [4, { samples: 2, depths: [8, 16] }],
  [6, { samples: 4, depths: [8, 16] }],
]);

/** The 13 bytes of IHDR. */
export function parsePngHeader(bytes: Uint8Array): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth = 0, colour = 0, compression, filter, interlace = 0] = bytes.subarray(8);
  const known = COLOURS.get(colour);
  const fits = known?.depths.includes(depth) === true && compression === 0 && filter === 0 && interlace <= 1;
  if (!fits || width === 0 || height === 0 || width >= 2 ** 31 || height >= 2 ** 31)
    throw new BrokenFileError('its header describes no image');
  return {
    width,
    height,
    bitsPerPixel: known.samples * depth,
    interlaced: interlace === 1,
    needsPalette: colour === 3,
  };
}

interface Pass {
  /** Without the byte for the filter. */
  readonly rowBytes: number;
  readonly rows: number;
}

/** Adam7: first column and row, and the steps between them. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** In the order of the file; a pass without pixels has no rows. */
export function passes({ width, height, bitsPerPixel, interlaced }: PngHeader): readonly Pass[] {
  const steps = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  const all = steps.map(([column, row, columnStep, rowStep]) => {
    const columns = Math.ceil(Math.max(0, width - column) / columnStep);
    const rows = columns === 0 ? 0 : Math.ceil(Math.max(0, height - row) / rowStep);
    return { rowBytes: Math.ceil((columns * bitsPerPixel) / 8), rows };
  });
  return all.filter(({ rows }) => rows > 0);
}
