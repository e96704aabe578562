import { hasMock, MockBus, mockNote } from '@keephold/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { showDesktopNotice } from './desktop-notice.ts';

test('without a desktop nobody is told, and nothing fails', async () => {
  expect(await showDesktopNotice('unix:path=/no/such/bus', { title: 'a', text: 'b' })).toBeUndefined();
});

describe.skipIf(!hasMock)(`on a desktop${mockNote}`, () => {
  const bus = new MockBus();
  beforeAll(async () => {
    await bus.startDaemon();
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  test('a bus without a desktop tells nobody', async () => {
    expect(await showDesktopNotice(bus.address, { title: 'a', text: 'b' })).toBeUndefined();
  });

  test('a notice stays until it is looked at, is no markup, and a later one takes its place', async () => {
    await bus.start('notification_daemon');
    const first = await showDesktopNotice(bus.address, { title: 'Not backed up', text: 'a <b> & c' });
    expect(first).toBe(1);
    expect(await showDesktopNotice(bus.address, { title: 'Still not', text: 'd', replaces: first })).toBe(1);
    const asked = {
      template: 'notification_daemon',
      method: 'GetMethodCalls',
      signature: 's',
      body: ['Notify'],
    } as const;
    const calls = (await bus.steer(asked)) as [bigint, unknown[]][];
    expect(calls.map(([, call]) => call)).toEqual([
      ['Keephold', 0, '', 'Not backed up', 'a &lt;b&gt; &amp; c', [], { urgency: 2 }, -1],
      ['Keephold', 1, '', 'Still not', 'd', [], { urgency: 2 }, -1],
    ]);
  });
});
