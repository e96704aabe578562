/** Rows under headings, columns as wide as their widest cell. Columns named in `right` stand to the right. */
export interface TextTable {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly right?: readonly string[];
}

export function formatTable({ headings, rows, right = [] }: TextTable): string {
  const widths = headings.map((heading, at) => {
    return Math.max(displayWidth(heading), ...rows.map((row) => displayWidth(row[at] ?? '')));
  });
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, at) => {
      const gap = ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
      return right.includes(headings[at] ?? '') ? gap + cell : cell + gap;
    });
    return padded.join('  ').trimEnd();
  };
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [line(headings), rule, ...rows.map(line), ''].join('\n');
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const ascii = /^[\x20-\x7e]*$/;

/** Columns a text takes on a terminal: east-asian and emoji characters take two, combining marks none. */
export function displayWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/** At most `limit` columns: the end of a path tells more than its beginning, so that is what stays. */
export function keepEnd(text: string, limit: number): string {
  if (displayWidth(text) <= limit) return text;
  if (limit < 1) return '';
  const characters = [...text];
  let width = 1;
  let from = characters.length;
  while (from > 0) {
    width += displayWidth(characters[from - 1] ?? '');
    if (width > limit) break;
    from--;
  }
  return `…${characters.slice(from).join('')}`;
}
