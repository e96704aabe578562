/** Waits for a line, then tries to create each of the names; prints those it created. Arguments: options as JSON, names. */
import { once } from 'node:events';
import { s3Options } from '@keephold/testkit';
import { S3Backend } from '../src/index.ts';

const [prefix = '', ...names] = process.argv.slice(2);
const backend = new S3Backend(s3Options({ prefix }));
await backend.checkStore();
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const outcomes = await Promise.all(
  names.map(async (name) => [name, await backend.putNew(name, new TextEncoder().encode(String(process.pid)))] as const),
);
const created = outcomes.filter(([, outcome]) => outcome === 'created').map(([name]) => name);
process.stdout.write(`${JSON.stringify({ pid: process.pid, created })}\n`);
process.exit(0);
