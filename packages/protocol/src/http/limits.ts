/** How much of what may be sent. Both sides hold to these: a server refuses what is beyond, a client believes no more. */

/** A pack of the longest kind: format.md §4. */
export const LARGEST_PACK: number = 96 + 256 * 65_552;
/** format.md §5: 16 MiB sealed, with its header and tag. */
export const LARGEST_OBJECT: number = 16 * 1024 * 1024 + 4096;
/** Commit, and three lists of pack ids: 32 MiB are a million packs, 16 TB. */
export const LARGEST_COMMIT_BODY: number = 32 * 1024 * 1024;
/** Keychain entries, slots, keyrings and grants. */
export const LARGEST_RECORD: number = 256 * 1024;
export const LARGEST_JSON: number = 256 * 1024;
/** Names of one read of objects. */
export const OBJECTS_AT_ONCE = 256;
/** A list of pack ids: two million packs. */
export const LARGEST_PACK_LIST: number = 64 * 1024 * 1024;
/** Records of an account in one answer. */
export const MOST_RECORDS = 1_000_000;
