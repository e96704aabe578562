/** A store that takes If-None-Match and does not do it: there are such, and none is at hand, so this one is made here. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { S3Backend } from '../src/index.ts';

let server: Server;
let names: Set<string>;
/** Whether it does what If-None-Match says. */
let keepsNames: boolean;
/** Whether these keys may delete. */
let mayDelete: boolean;

beforeEach(async () => {
  names = new Set();
  [keepsNames, mayDelete] = [true, true];
  server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    request.resume();
    request.on('end', () => {
      if (method === 'GET') {
        response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
        return;
      }
      const exists = names.has(url);
      if (method === 'PUT') {
        names.add(url);
        response.statusCode = exists && keepsNames ? 412 : 200;
      } else if (mayDelete) {
        names.delete(url);
        response.statusCode = 204;
      } else response.statusCode = 403;
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

function opened(): S3Backend {
  const { port } = server.address() as AddressInfo;
  return new S3Backend({
    ...{ endpoint: new URL(`http://127.0.0.1:${port}`), region: 'us-east-1', bucket: 'bucket', prefix: '' },
    ...{ accessKeyId: 'key', secretAccessKey: 'secret', now: Date.now, random: Math.random },
    sleep: async () => {},
  });
}

it.each([true, false])('is used only when it creates a name once: %s', async (keeps) => {
  keepsNames = keeps;
  const backend = opened();
  const checked = backend.checkStore();
  if (keeps) await checked;
  else await expect(checked).rejects.toMatchObject({ name: 'BackendError', code: 'unfit', permanent: true });
  expect(names.size).toBe(0);
  backend.close();
});

it('is used also with keys that may not delete', async () => {
  mayDelete = false;
  const backend = opened();
  await backend.checkStore();
  expect(names.size).toBe(1);
  backend.close();
});
