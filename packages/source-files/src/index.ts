/** Captures files with their metadata, and writes them back. */
export * from './errors.ts';
export { createOwnerNames, type OwnerNames, type OwnerNamesOptions } from './owner-names.ts';
export { printablePath } from './printable-path.ts';
export { createTarget, type TargetCapabilities, targetCapabilities } from './target/create-target.ts';
export type { TargetConfig } from './target/target-config.ts';
export { isTemporaryName } from './target/temporary-names.ts';
