import { libc } from '@keephold/ffi';
import { describe } from 'vitest';
import { testTarget } from './_target-conformance.ts';
import { createTarget } from './create-target.ts';

describe.skipIf(libc() === undefined)('on Linux', () => {
  testTarget('directory handles', (root) =>
    createTarget({ root, privileged: process.geteuid?.() === 0, numericIds: false }),
  );
});
