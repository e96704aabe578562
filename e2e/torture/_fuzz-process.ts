/**
 * Fuzzes all decoders once, in a process that may be killed: `node _fuzz-process.ts SEED EXECUTIONS`. Says on standard
 * output what it begins with, so that whoever waits knows where it hangs.
 */
import { Coverage } from './fuzz/coverage.ts';
import { fuzz } from './fuzz/fuzz.ts';

const [seed, executions] = process.argv.slice(2).map(Number) as [number, number];
// Before anything of ours is compiled: only what is compiled from now on counts its blocks.
const coverage = new Coverage();
const { decoders } = await import('./fuzz/decoders.ts');

for (const decoder of decoders) {
  console.log(`${decoder.name}: begins`);
  // What the one before reached must not count.
  coverage.forget();
  const rounds = Math.ceil(executions * (decoder.share ?? 1));
  try {
    const corpus = await fuzz({ decoder, seed, executions: rounds, coverage });
    console.log(`${decoder.name}: ${rounds} executions, ${coverage.blocks} blocks, corpus of ${corpus}`);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
coverage.close();
