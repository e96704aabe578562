/** Real receivers of what a server tells: a mail server and a web server on loopback, which keep what comes. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: string;
  /** The head of the message, as it came. */
  readonly head: string;
  readonly body: string;
}

export interface MailReceiver extends AsyncDisposable {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** What is answered to the next messages instead of taking them: SMTP codes, one each. */
  readonly refusals: number[];
}

export async function receiveMail(): Promise<MailReceiver> {
  const mails: ReceivedMail[] = [];
  const refusals: number[] = [];
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], disableReverseLookup: true },
    onRcptTo: (_address, _session, done) => {
      const code = refusals.shift();
      done(code === undefined ? null : Object.assign(new Error('not now'), { responseCode: code }));
    },
    onData: (stream, session, done) => {
      const { mailFrom, rcptTo } = session.envelope;
      const keep = async (): Promise<void> => {
        const [head = '', ...body] = (await text(stream)).split('\r\n\r\n');
        const from = mailFrom === false || mailFrom === undefined ? '' : mailFrom.address;
        mails.push({ from, to: rcptTo[0]?.address ?? '', head, body: decoded(body.join('\n\n')) });
        done();
      };
      void keep();
    },
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    refusals,
    [Symbol.asyncDispose]: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Quoted-printable. */
function decoded(body: string): string {
  const bytes = body
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, pair: string) => String.fromCharCode(Number.parseInt(pair, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

export interface ReceivedPost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PostReceiver extends AsyncDisposable {
  readonly url: string;
  readonly posts: ReceivedPost[];
  /** Statuses that are answered to the next posts instead of 200. */
  readonly refusals: number[];
}

export async function receivePosts(): Promise<PostReceiver> {
  const posts: ReceivedPost[] = [];
  const refusals: number[] = [];
  const server = createServer((request, response) => {
    const keep = async (): Promise<void> => {
      const body = await text(request);
      const status = refusals.shift() ?? 200;
      if (status === 200) posts.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('whatever');
    };
    void keep();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    refusals,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
