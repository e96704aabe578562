/**
 * Fuzzes one decoder: changes records that reach blocks of our code which no other record reached, over and over. What
 * may come out of a decoder is a record, which must be the very bytes that went in, or a typed error.
 */
import { SeededRandom } from '../../../bench/data/seeded-random.ts';
import type { Coverage } from './coverage.ts';
import type { Decoder } from './decoder.ts';
import { mutate } from './mutate.ts';

/** Executions between two looks at the coverage, which cost more than most executions. */
const BATCH = 50;
const MAX_CORPUS = 2000;
/** Nothing here is large: what takes so much of the processor has no end. The clock would tell of a busy machine. */
const LONGEST_MICROSECONDS = 10_000_000;

export interface FuzzOptions {
  readonly decoder: Decoder;
  readonly seed: number;
  readonly executions: number;
  readonly coverage: Coverage;
}

/** Size of the corpus at the end. Rejects with the input that broke the decoder. */
export async function fuzz({ decoder, seed, executions, coverage }: FuzzOptions): Promise<number> {
  const random = new SeededRandom(`${decoder.name} ${seed}`);
  for (const valid of decoder.seeds) await requireValid(decoder, valid);
  const corpus = [...decoder.seeds];
  coverage.isNew();
  for (let done = 0; done < executions; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, executions - done) }, () => {
      const [one, other] = [random, random].map((source) => corpus[source.between(0, corpus.length - 1)]!);
      return mutate(one!, other!, random);
    });
    for (const input of batch) await attempt(decoder, input);
    if (!coverage.isNew() || corpus.length >= MAX_CORPUS) continue;
    corpus.push(...(await contributors(decoder, batch, coverage)));
  }
  return corpus.length;
}

/** Which of a batch reached something new cannot be told afterwards; halves that reach what the rest does not are kept. */
async function contributors(decoder: Decoder, batch: readonly Uint8Array[], coverage: Coverage): Promise<Uint8Array[]> {
  const kept: Uint8Array[] = [];
  for (const input of batch) {
    await attempt(decoder, input);
    if (coverage.isNew()) kept.push(input);
  }
  // Nothing shows alone what it showed among others: one of them goes on.
  return kept.length > 0 ? kept : batch.slice(0, 1);
}

async function requireValid(decoder: Decoder, valid: Uint8Array): Promise<void> {
  try {
    await decoder.decode(valid);
  } catch (cause) {
    throw new Error(`${decoder.name}: a seed is no valid record`, { cause });
  }
}

async function attempt(decoder: Decoder, input: Uint8Array): Promise<void> {
  const before = process.cpuUsage();
  const given = input.slice();
  let written: Uint8Array | undefined;
  try {
    written = await decoder.decode(given);
  } catch (error) {
    if (!isTyped(error)) throw broken(decoder, input, 'an error without a code', error);
  }
  if (written !== undefined && Buffer.compare(written, input) !== 0)
    throw broken(decoder, input, 'two ways to write it');
  const { user, system } = process.cpuUsage(before);
  if (user + system > LONGEST_MICROSECONDS) throw broken(decoder, input, 'it took too long');
}

/** Ours: with a code in words. Those of the language and of the system have none, or one in capitals. */
function isTyped(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z0-9-]+$/.test(error.code);
}

function broken(decoder: Decoder, input: Uint8Array, what: string, cause?: unknown): Error {
  const hex = Buffer.from(input).toString('hex');
  return new Error(`${decoder.name}: ${what}: ${hex.slice(0, 4000)}`, { cause });
}
