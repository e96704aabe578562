/** What a server says of itself to whoever watches it. */
import { expect, it, vi } from 'vitest';
import { createTestServer } from './_test-server.ts';

it('says that its database is away, asks it once a second however often strangers ask, and stays up', async () => {
  let time = Date.now();
  await using test = await createTestServer({ now: () => time });
  const health = async (): Promise<readonly unknown[]> => {
    const response = await fetch(`${test.server.url}/health`);
    return [response.status, await response.json()];
  };
  const { database } = test.surroundings;
  expect(await health()).toEqual([200, { status: 'ok', database: 'ok' }]);
  const asked = vi.spyOn(database, 'read').mockRejectedValue(new Error('connection refused'));
  expect(await health()).toEqual([200, { status: 'ok', database: 'ok' }]);
  time += 1000;
  const answers = await Promise.all([health(), health(), health()]);
  for (const answer of answers) expect(answer).toEqual([200, { status: 'ok', database: 'away' }]);
  expect(asked).toHaveBeenCalledTimes(1);
  // One that takes a request and never answers is away, too.
  asked.mockReturnValue(new Promise(() => undefined));
  time += 1000;
  expect(await health()).toEqual([200, { status: 'ok', database: 'away' }]);
  asked.mockRestore();
  time += 1000;
  expect(await health()).toEqual([200, { status: 'ok', database: 'ok' }]);
});
