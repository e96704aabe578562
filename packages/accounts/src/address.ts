/** Addresses of callers, as far as they are used: one subscriber for limits, a coarser prefix for the audit log. */
import { isIPv4, isIPv6 } from 'node:net';

/** IPv4 whole; IPv6 its first 64 bits, which one subscriber has to himself. */
export function subscriberOf(address: string): string {
  const v4 = asIPv4(address);
  return v4 ?? (isIPv6(address) ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : 'unknown');
}

/** IPv4 /24, IPv6 /48. */
export function prefixOf(address: string): string {
  const v4 = asIPv4(address);
  if (v4 !== undefined) return `${v4.split('.').slice(0, 3).join('.')}.0/24`;
  return isIPv6(address) ? `${groupsOf(address).slice(0, 3).join(':')}::/48` : 'unknown';
}

/** Also one that is written as IPv6. */
function asIPv4(address: string): string | undefined {
  const plain = address.replace(/^::ffff:/i, '');
  return isIPv4(plain) ? plain : undefined;
}

/** All eight groups, without leading zeros. */
function groupsOf(address: string): readonly string[] {
  const [bare = ''] = address.split('%');
  const [left = '', right] = bare.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16).toString(16));
}
