/** Said where a list may be shorter than what there is: some commits cannot be read (CommitLog.hasHoles). */
export const HISTORY_HAS_HOLES =
  'part of the history cannot be read and may hold snapshots that are not listed here; keephold check says where';
