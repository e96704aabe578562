/**
 * What the plan of a home folder leaves out when nothing is said: caches, trash, and what programs make or fetch again.
 * Relative to the home folder where it has one place. Nothing goes in that a person made or chose to keep: no documents, settings or downloads.
 */
export const knownJunk: readonly string[] = [
  '/.cache/',
  '/.local/share/Trash/',
  '/.npm/_cacache/',
  '/.cargo/registry/',
  '/.gradle/caches/',
  '/Library/Caches/',
  '/.Trash/',
  'node_modules/',
  '__pycache__/',
  '.DS_Store',
];
