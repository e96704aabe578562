/** The Custody seam and the codecs of what both sides of it read. No transport, no primitive. */
export * from './commit.ts';
export * from './commit-codec.ts';
export * from './custody.ts';
export * from './errors.ts';
export * from './id-from-bytes.ts';
export * from './ids.ts';
export * from './pack-header.ts';
export * from './pack-id-list.ts';
export * from './record-fields.ts';
export * from './signed-record.ts';
export * from './signing-texts.ts';
