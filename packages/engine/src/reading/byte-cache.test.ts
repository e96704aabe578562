import { describe, expect, it } from 'vitest';
import { ByteCache } from './byte-cache.ts';

const bytes = (length: number) => new Uint8Array(length);

describe('ByteCache', () => {
  it('drops what was used longest ago when there is no room', () => {
    const cache = new ByteCache(100);
    for (const key of ['a', 'b', 'c']) cache.set(key, bytes(33));
    expect(cache.get('a')).toHaveLength(33);
    cache.set('d', bytes(33));
    expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined)).toEqual(['a', 'c', 'd']);
    expect(cache.bytes).toBe(99);
  });

  it('counts an entry that takes the place of another once', () => {
    const cache = new ByteCache(100);
    cache.set('a', bytes(60));
    cache.set('a', bytes(50));
    expect(cache.bytes).toBe(50);
    cache.delete('a');
    cache.delete('a');
    expect(cache.bytes).toBe(0);
  });

  it('keeps nothing that is larger than itself, and loses nothing for it', () => {
    const cache = new ByteCache(100);
    cache.set('a', bytes(100));
    cache.set('b', bytes(101));
    expect(cache.get('a')).toHaveLength(100);
    expect(cache.get('b')).toBeUndefined();
  });
});
