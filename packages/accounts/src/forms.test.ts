import { decodeCbor, equalBytes } from '@keephold/bytes';
import { SqliteDatabase } from '@keephold/custody/sql';
import { asAccountId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalName } from './account-name.ts';
import { prefixOf, subscriberOf } from './address.ts';
import { appendAudit, auditEntries, auditHash } from './audit-log.ts';
import { AccountsError } from './errors.ts';
import { migrate } from './schema.ts';

describe('addresses', () => {
  it('are cut to one subscriber, and to less for the log', () => {
    expect([subscriberOf('192.0.2.77'), prefixOf('192.0.2.77')]).toEqual(['192.0.2.77', '192.0.2.0/24']);
    expect(prefixOf('::ffff:192.0.2.77')).toBe('192.0.2.0/24');
    expect(subscriberOf('2001:db8::1')).toBe(subscriberOf('2001:0db8:0:0:9:9:9:9'));
    expect(subscriberOf('2001:db8:0:1::1')).not.toBe(subscriberOf('2001:db8::1'));
    expect(prefixOf('2001:db8:a:1::1')).toBe('2001:db8:a::/48');
    expect(subscriberOf('not one')).toBe('unknown');
  });

  it('never keep the end of an IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), (one, other) => {
        const [a, b] = [one, other].map(subscriberOf);
        if (prefixOf(one) !== prefixOf(other)) expect(a === b && a !== 'unknown').toBe(false);
        expect((a ?? '').length).toBeLessThanOrEqual('ffff:ffff:ffff:ffff::/64'.length);
      }),
    );
  });
});

describe('names', () => {
  it('have one spelling', () => {
    expect(normalName('  Ann.Lee@Example.ORG ')).toBe('ann.lee@example.org');
    expect(normalName('Zoe\u0308')).toBe(normalName('zo\u00eb'));
    expect(normalName('\uff41nn')).toBe('ann');
  });

  it('are refused when they are none, and never give another kind of error', () => {
    for (const name of ['', ' ', '@x', 'a b', 'a\u0000', 'a\nb', 'x'.repeat(255), 'a<b>']) {
      expect(() => normalName(name)).toThrow(AccountsError);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        try {
          const normal = normalName(name);
          expect(normalName(normal)).toBe(normal);
        } catch (error) {
          expect(error).toBeInstanceOf(AccountsError);
        }
      }),
    );
  });
});

describe('the audit log', () => {
  it('chains the entries of each account, so that none can be taken out or moved', async () => {
    const database = await SqliteDatabase.open(':memory:', 'durable');
    await migrate(database);
    const [one, other] = [1, 2].map((byte) => asAccountId(new Uint8Array(16).fill(byte)));
    for (const accountId of [one, other, one, one]) {
      if (accountId === undefined) continue;
      const event = { accountId, type: 'signed-in', now: 5000, ipPrefix: '192.0.2.0/24' } as const;
      await database.transaction(async (sql) => await appendAudit(sql, event));
    }
    const entries = await database.read(async (sql) => await auditEntries(sql, one as never, 0));
    expect(entries.length).toBe(3);
    let previous = new Uint8Array(32);
    for (const [seq, entry] of entries.entries()) {
      const fields = decodeCbor(entry) as ReadonlyMap<number, unknown>;
      expect(fields.get(2)).toBe(seq);
      expect(equalBytes(fields.get(3) as Uint8Array, previous)).toBe(true);
      previous = auditHash(entry).slice();
    }
    await database.close();
  });
});
