/** XML as the definitions of two systems need it: elements and text, nothing else. */

/** What no XML 1.0 can hold, not even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const IMPOSSIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;

export function element(name: string, content: string | readonly string[]): string {
  const inner = typeof content === 'string' ? escaped(content) : `\n${content.map(indented).join('\n')}\n`;
  return `<${name}>${inner}</${/^\S+/.exec(name)?.[0] ?? name}>`;
}

function indented(lines: string): string {
  return lines.replace(/^/gm, '  ');
}

function escaped(text: string): string {
  const possible = text.replace(IMPOSSIBLE, '\ufffd');
  const plain = possible.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  // Lines are indented afterwards, and readers make one kind of line end of all.
  return plain.replaceAll('\r', '&#13;').replaceAll('\n', '&#10;');
}
