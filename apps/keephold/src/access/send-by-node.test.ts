import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Outgoing } from '@keephold/client';
import { expect, it } from 'vitest';
import { sendByNode } from './send-by-node.ts';

/** Runs `work` with the address of a server that answers so. */
async function withServer(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const outgoing = (url: string, rest: Partial<Outgoing> = {}): Outgoing => ({
  url,
  method: 'PUT',
  headers: {},
  body: undefined,
  signal: AbortSignal.timeout(60_000),
  ...rest,
});

it('sends from shared memory, and gives no Buffers back', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3_000_000)).subarray(1000, 2_500_000);
  shared.forEach((_, at) => (shared[at] = (at * 7) % 251));
  await withServer(
    (request, response) => void buffer(request).then((bytes) => response.end(bytes)),
    async (url) => {
      const answer = await sendByNode()(outgoing(url, { body: shared }));
      const chunks: Uint8Array[] = [];
      await answer.readBody((chunk) => chunks.push(chunk));
      expect(chunks.every((chunk) => chunk.constructor === Uint8Array)).toBe(true);
      expect(Buffer.concat(chunks).equals(Buffer.from(shared))).toBe(true);
      expect([answer.ok, answer.headers.get('content-length'), answer.headers.get('x-nothing')]).toEqual([
        true,
        '2499000',
        null,
      ]);
    },
  );
});

it('tells as the body gets away, and not before', async () => {
  let sent = 0;
  let before = 0;
  await withServer(
    (request, response) => {
      setImmediate(() => {
        before = sent;
        void buffer(request).then(() => response.end());
      });
    },
    async (url) => {
      const body = new Uint8Array(32 * 1024 * 1024);
      const answer = await sendByNode()(outgoing(url, { body, onSent: () => sent++ }));
      expect(answer.ok).toBe(true);
      expect(sent).toBe(32);
      expect(before).toBeLessThan(32);
    },
  );
});

it('follows nobody elsewhere', async () => {
  let asked = 0;
  await withServer(
    (_, response) => {
      asked++;
      response.writeHead(307, { location: '/other' }).end();
    },
    async (url) => {
      await expect(sendByNode()(outgoing(url))).rejects.toThrow(/not followed/);
      expect(asked).toBe(1);
    },
  );
});

it.each(['before the answer', 'within the answer'])('throws the reason of its signal, %s', async (when) => {
  const ending = new AbortController();
  const reason = new DOMException('late', 'TimeoutError');
  await withServer(
    (_, response) => {
      if (when === 'within the answer') response.writeHead(200).write('begun');
      setImmediate(() => ending.abort(reason));
    },
    async (url) => {
      const reading = async (): Promise<void> => {
        const { readBody } = await sendByNode()(outgoing(url, { signal: ending.signal }));
        await readBody(() => undefined);
      };
      await expect(reading()).rejects.toBe(reason);
    },
  );
});

it('takes the answer of a server that does not want all of the body', async () => {
  await withServer(
    (request, response) => {
      request.once('data', () => response.writeHead(413).end('too long'));
    },
    async (url) => {
      const answer = await sendByNode()(outgoing(url, { body: new Uint8Array(200_000) }));
      expect([answer.ok, answer.status]).toEqual([false, 413]);
    },
  );
});

it('ends an answer that is refused, with what it was refused for', async () => {
  let isClosed = false;
  await withServer(
    (_, response) => {
      response.once('close', () => (isClosed = !response.writableFinished));
      response.writeHead(200).write(new Uint8Array(32 * 1024 * 1024));
    },
    async (url) => {
      const { readBody } = await sendByNode()(outgoing(url));
      const refusal = new TypeError('too long');
      const reading = readBody(() => {
        throw refusal;
      });
      await expect(reading).rejects.toBe(refusal);
      await expect.poll(() => isClosed).toBe(true);
    },
  );
});

it('does not take an answer that breaks off for a whole one', async () => {
  await withServer(
    (_, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('begun');
      response.socket?.end();
    },
    async (url) => {
      const { readBody } = await sendByNode()(outgoing(url));
      await expect(readBody(() => undefined)).rejects.toMatchObject({ code: 'ECONNRESET' });
    },
  );
});
