/** QR codes on a terminal: two rows of modules for a line of text, dark on light whatever the colours of the terminal. */
import { encode } from 'uqr';

const BLACK_ON_WHITE = '\x1b[30;107m';
const RESET = '\x1b[0m';
/** Upper half, lower half: dark modules are drawn. */
const BLOCKS: readonly string[] = [' ', '▄', '▀', '█'];
/** Modules around it, which readers need. */
const QUIET_ZONE = 2;

export function qrCode(text: string): string {
  const { data, size } = encode(text, { ecc: 'L', border: QUIET_ZONE });
  const isDark = (row: number, column: number): boolean => data[row]?.[column] === true;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    const cells = Array.from({ length: size }, (_, column) => {
      return BLOCKS[(isDark(row, column) ? 2 : 0) + (isDark(row + 1, column) ? 1 : 0)];
    });
    lines.push(BLACK_ON_WHITE + cells.join('') + RESET);
  }
  return lines.join('\n');
}
