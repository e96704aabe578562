/** Names that files have until they take another's place. A killed restore can leave some behind. */

const PREFIX = '.keephold-partial-';
const PATTERN = /^\.keephold-partial-\d+-\d+-\d+$/;

/** Differs between processes and threads; creating it exclusively settles the rest. */
export function temporaryName(processId: number, thread: number, counter: number): Uint8Array {
  return Buffer.from(`${PREFIX}${processId}-${thread}-${counter}`);
}

/** True for names a restore uses meanwhile: leftovers of a killed one may be removed. */
export function isTemporaryName(name: Uint8Array): boolean {
  return name.length < 64 && PATTERN.test(Buffer.from(name).toString('latin1'));
}
