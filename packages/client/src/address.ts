/** Which addresses are servers: https anywhere, http only on this machine, nothing but an origin. */
import { CustodyError } from '@keephold/protocol';

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** The origin, `https://host[:port]`. @throws CustodyError 'refused' */
export function serverOrigin(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw refused(address, 'a server is named https://HOST[:PORT]');
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw refused(url.origin, 'http without encryption is for this machine only; use https');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.pathname !== '/') {
    throw refused(url.origin, 'name the server alone, without a path or a password');
  }
  return url.origin;
}

function refused(address: string, why: string): CustodyError {
  return new CustodyError('refused', `open server ${address}: ${why}`);
}
