import { expect, it } from 'vitest';
import { serverOrigin } from './address.ts';

it('takes https anywhere and http on this machine, as an origin', () => {
  expect(serverOrigin('https://backup.example.org')).toBe('https://backup.example.org');
  expect(serverOrigin('HTTPS://Backup.example.org:443/')).toBe('https://backup.example.org');
  for (const host of ['127.0.0.1:8420', 'localhost', '[::1]:1']) {
    expect(serverOrigin(`http://${host}`)).toBe(`http://${host}`);
  }
});

it('refuses http to other machines, and anything beside the origin', () => {
  for (const address of [
    'http://backup.example.org',
    'http://127.0.0.1.example.org',
    'http://192.168.1.2:8420',
    'https://user:secret@backup.example.org',
    'https://backup.example.org/path',
    'https://backup.example.org/?query',
    'ftp://backup.example.org',
    'nothing',
  ]) {
    expect(() => serverOrigin(address), address).toThrow(expect.objectContaining({ code: 'refused' }) as Error);
  }
});
