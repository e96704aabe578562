import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { memorySource } from '../measure/run-measured.ts';
import type { Machine } from './result.ts';

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    memorySource,
  };
}
