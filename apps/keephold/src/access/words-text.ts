/** Whether a secret that was given may be the 24 recovery words. */
export function looksLikeWords(secret: string): boolean {
  return /^\s*(?:[a-z]{3,8}\s+){23}[a-z]{3,8}\s*$/i.test(secret);
}
