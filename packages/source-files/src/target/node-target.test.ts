import { createOwnerNames } from '../owner-names.ts';
import { testTarget } from './_target-conformance.ts';
import { NodeTarget } from './node-target.ts';

testTarget(
  'node:fs',
  (root) => new NodeTarget({ root, privileged: process.geteuid?.() === 0, numericIds: false }, createOwnerNames()),
);
