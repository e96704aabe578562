/** The 24 recovery words in what people keep them in: as `keephold init` writes them, numbered, or one after the other. */
const COUNT = 24;

/** The words in their order, a space between them; undefined when the text is something else. */
export function wordsInText(text: string): string | undefined {
  return looksLikeWords(text) ? text.trim().split(/\s+/).join(' ') : numberedWords(text);
}

/** 24 words of letters. */
export function looksLikeWords(text: string): boolean {
  return /^\s*(?:[a-z]{3,8}\s+){23}[a-z]{3,8}\s*$/i.test(text);
}

/** "7. word", or "7 word" at the beginning of a line. */
const NUMBERED = /(?:^\s*(?<first>[0-9]{1,2})\s+|\b(?<marked>[0-9]{1,2})[.):]\s*)(?<word>[a-z]{3,8})\b/gim;

/** Each number from 1 to 24 once, before its word, in any order; whatever else is said around them. */
function numberedWords(text: string): string | undefined {
  const words = new Map<number, string>();
  let found = 0;
  for (const { groups = {} } of text.matchAll(NUMBERED)) {
    words.set(Number(groups['first'] ?? groups['marked']), groups['word'] ?? '');
    found++;
  }
  const inOrder = Array.from({ length: COUNT }, (_, index) => words.get(index + 1));
  return found === COUNT && inOrder.every((word) => word !== undefined) ? inOrder.join(' ') : undefined;
}
