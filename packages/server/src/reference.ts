/** What people read about the routes: the OpenAPI document, and one page made of it that loads nothing. */
import { openApiDocument, type Route, routes } from '@keephold/protocol/http';
import type { FastifyInstance } from 'fastify';

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export function registerReference(app: FastifyInstance): void {
  const json = JSON.stringify(openApiDocument());
  const page = referencePage();
  app.get('/v1/openapi.json', async (_, reply) => await reply.type('application/json').send(json));
  app.get('/v1/reference', async (_, reply) => {
    return await reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY).send(page);
  });
}

function referencePage(): string {
  const rows = (Object.values(routes) as Route[]).map(rowOf).join('\n');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Keephold server</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}td,th{padding:.4rem .6rem;text-align:left;vertical-align:top;border-top:1px solid #8884}code{white-space:nowrap}:root{color-scheme:light dark}</style>
<h1>Keephold server</h1><p>What it keeps it cannot open. The same as a document for programs: <a href="/v1/openapi.json">openapi.json</a>.</p>
<table><thead><tr><th>route<th>what it does<th>needs<th>body<th>answer</thead><tbody>
${rows}
</tbody></table></html>`;
}

function rowOf({ method, path, summary, action, body, answer }: Route): string {
  const sends = body === undefined ? '–' : `${body.kind}, at most ${body.limit.toLocaleString('en')} bytes`;
  const cells = [`<code>${method} ${path}</code>`, summary, action ?? 'nothing', sends, answer.kind];
  return `<tr>${cells.map((cell) => `<td>${cell}`).join('')}`;
}
