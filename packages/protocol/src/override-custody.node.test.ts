import { expect, test } from 'vitest';
import type { Custody } from './custody.ts';
import { overrideCustody } from './override-custody.ts';

/** What `await using` in JavaScript as it is written does; tests may be compiled to something else. */
test('an overridden custody can be disposed of at the end of a block', async () => {
  const disposed: string[] = [];
  const custody = { [Symbol.asyncDispose]: async () => void disposed.push('the original') };
  await using stack = new AsyncDisposableStack();
  stack.use(overrideCustody(custody as unknown as Custody, {}));
  await stack.disposeAsync();
  expect(disposed).toEqual(['the original']);
});
